import { invalidArgument, unknownName } from '@missing-u/errors';
import { CUNet } from '@missing-u/cunet';
import { celeba, cifar10, cifar100, fashionMnist, imageFolder, kmnist, mnist, type Dataset } from '@missing-u/datasets';
import {
  DDIMScheduler,
  DDPMScheduler,
  DEISMultistepScheduler,
  DPMSolverMultistepScheduler,
  EulerAncestralDiscreteScheduler,
  EulerDiscreteScheduler,
  HeunDiscreteScheduler,
  LMSDiscreteScheduler,
  PNDMScheduler,
  UniPCMultistepScheduler,
} from '@missing-u/schedulers';
import { UNet } from '@missing-u/unet-blocks';
import type { SamplingScheduler, TrainingScheduler } from '../contracts.ts';
import { DiffusionError } from '../errors.ts';
import type { Network } from '../networks.ts';
import type { RunConfig } from './config.ts';

/** What can be named in a configuration or on the command line; a new one is one line. */
const models = {
  cunet: ({ channels, size, seed }: RunConfig, inChannels: number): Network =>
    new CUNet({ inChannels, channels, imageSize: size, seed }),
  unet: ({ channels, size, seed }: RunConfig, inChannels: number): Network =>
    new UNet({ preset: 'lucidrains', inChannels, dim: channels, imageSize: size, seed }),
};

interface DatasetEntry {
  channels: number;
  open(options: { split: 'train'; size: number; root?: string }): Promise<Dataset>;
}

const datasets: Readonly<Record<string, DatasetEntry>> = {
  mnist: { channels: 1, open: mnist },
  'fashion-mnist': { channels: 1, open: fashionMnist },
  kmnist: { channels: 1, open: kmnist },
  cifar10: { channels: 3, open: cifar10 },
  cifar100: { channels: 3, open: cifar100 },
  celeba: { channels: 3, open: (options) => celeba({ ...options, root: folderOf(options), crop: 'squash' }) },
  'image-folder': { channels: 3, open: (options) => imageFolder({ root: folderOf(options), size: options.size }) },
};

const schedulers = {
  ddpm: DDPMScheduler,
  ddim: DDIMScheduler,
  pndm: PNDMScheduler,
  lms: LMSDiscreteScheduler,
  euler: EulerDiscreteScheduler,
  'euler-ancestral': EulerAncestralDiscreteScheduler,
  heun: HeunDiscreteScheduler,
  'dpm-solver++': DPMSolverMultistepScheduler,
  deis: DEISMultistepScheduler,
  unipc: UniPCMultistepScheduler,
};

export const modelNames = Object.keys(models);
export const datasetNames = Object.keys(datasets);
export const schedulerNames = Object.keys(schedulers);

/**
 * Refuses names that are not known, before anything is started.
 *
 * @throws DiffusionError `DIFFUSION_UNKNOWN_DATASET`, `DIFFUSION_UNKNOWN_MODEL`
 */
export function checkNames(config: RunConfig): void {
  pick('dataset', datasets, config.dataset);
  pick('model', models, config.model);
}

export function makeModel(config: RunConfig): Network {
  return pick('model', models, config.model)(config, datasetChannels(config));
}

/** Channels of a data set's images, known before its files are opened. */
export function datasetChannels(config: RunConfig): number {
  return pick('dataset', datasets, config.dataset).channels;
}

/** The training part of a run's data set. */
export function openDataset({ dataset, root, size }: RunConfig): Promise<Dataset> {
  return pick('dataset', datasets, dataset).open({ split: 'train', size, ...(root === null ? {} : { root }) });
}

function folderOf({ root }: { root?: string }): string {
  if (root !== undefined) return root;
  const allowed = 'the folder of the pictures';
  const message = invalidArgument({ argument: 'root', value: null, allowed, remedy: 'name it with --root' });
  throw new DiffusionError('DIFFUSION_BAD_CONFIG', message);
}

/** A scheduler of the chain that a run trains. */
export function makeScheduler(name: string, config: RunConfig): TrainingScheduler & SamplingScheduler {
  const Scheduler = pick('scheduler', schedulers, name);
  return new Scheduler({
    num_train_timesteps: config.timesteps,
    beta_schedule: config.schedule,
    prediction_type: config.prediction,
  });
}

function pick<T>(kind: string, known: Readonly<Record<string, T>>, name: string): T {
  if (Object.hasOwn(known, name)) return known[name]!;
  throw new DiffusionError(`DIFFUSION_UNKNOWN_${kind.toUpperCase()}`, unknownName(kind, name, Object.keys(known)));
}
