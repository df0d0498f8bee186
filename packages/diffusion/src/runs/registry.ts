import { unknownName } from '@missing-u/errors';
import { CUNet } from '@missing-u/cunet';
import { mnist } from '@missing-u/datasets';
import { DDIMScheduler, DDPMScheduler } from '@missing-u/schedulers';
import type { SamplingScheduler, TrainableDenoiser, TrainingScheduler } from '../contracts.ts';
import { DiffusionError } from '../errors.ts';
import type { RunConfig } from './config.ts';

/** What can be named in a configuration or on the command line; a new one is one line. */
const models = {
  cunet: (config: RunConfig, inChannels: number) =>
    new CUNet({ inChannels, channels: config.channels, imageSize: config.size, seed: config.seed }),
};

const datasets = {
  mnist: {
    channels: 1,
    open: ({ root, size }: RunConfig) => mnist({ split: 'train', size, ...(root === null ? {} : { root }) }),
  },
};

const schedulers = {
  ddpm: DDPMScheduler,
  ddim: DDIMScheduler,
};

/**
 * Refuses names that are not known, before anything is started.
 *
 * @throws DiffusionError `DIFFUSION_UNKNOWN_DATASET`, `DIFFUSION_UNKNOWN_MODEL`
 */
export function checkNames(config: RunConfig): void {
  pick('dataset', datasets, config.dataset);
  pick('model', models, config.model);
}

/** A network that owns its weights. */
export type OwnedDenoiser = TrainableDenoiser & { dispose(): void };

export function makeModel(config: RunConfig): OwnedDenoiser {
  return pick('model', models, config.model)(config, datasetChannels(config));
}

/** Channels of a data set's images, known before its files are opened. */
export function datasetChannels(config: RunConfig): number {
  return pick('dataset', datasets, config.dataset).channels;
}

export function openDataset(config: RunConfig): ReturnType<(typeof datasets)['mnist']['open']> {
  return pick('dataset', datasets, config.dataset).open(config);
}

/** A scheduler of the chain that a run trains. */
export function makeScheduler(name: string, config: RunConfig): TrainingScheduler & SamplingScheduler {
  const Scheduler = pick('scheduler', schedulers, name);
  return new Scheduler({
    numTrainTimesteps: config.timesteps,
    betaSchedule: config.schedule,
    predictionType: config.prediction,
  });
}

function pick<T extends object>(kind: string, known: T, name: string): T[keyof T] {
  if (Object.hasOwn(known, name)) return known[name as keyof T];
  throw new DiffusionError(`DIFFUSION_UNKNOWN_${kind.toUpperCase()}`, unknownName(kind, name, Object.keys(known)));
}
