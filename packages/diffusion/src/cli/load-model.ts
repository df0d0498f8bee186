import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { didYouMean } from '@missing-u/errors';
import { createGenerator, type Generator } from '@missing-u/random';
import { fromConfig, type SchedulerConfig } from '@missing-u/schedulers';
import type { SamplingScheduler } from '../contracts.ts';
import { DiffusionError } from '../errors.ts';
import { makePreset, presetNames, type Network } from '../networks.ts';
import { imageShapeOf, type ImageShape } from '../pipelines/image-shape.ts';
import { loadPipeline } from '../pipelines/pretrained.ts';
import { checksumsOf } from '../runs/checkpoint.ts';
import { loadRun } from '../runs/load-run.ts';
import { makeScheduler, schedulerClass } from '../runs/registry.ts';
import { checkpointOf, configFile } from '../runs/run-folder.ts';

/** A network to sample from, whatever it was loaded from. */
export interface LoadedModel {
  network: Network;
  imageShape: ImageShape;
  /** A scheduler by its name on the command line, of the chain that the network was trained on. */
  schedulerFor(name: string): SamplingScheduler;
  /** Tells these weights from others. */
  identity: string;
}

interface Options {
  checkpoint?: string;
  /** For presets: side and channels of the images, and the seed of the weights. */
  size: number;
  channels: number;
  seed: number;
}

/**
 * The network of a training run, of a pipeline's folder (or a name on the Hugging Face hub), or of a preset with random weights.
 *
 * @throws DiffusionError `DIFFUSION_UNKNOWN_MODEL`, and those of `loadRun` and `loadPipeline`
 */
export async function loadModel(name: string, options: Options): Promise<LoadedModel> {
  if (existsSync(configFile(name)) && !existsSync(join(name, 'model_index.json'))) return fromRun(name, options);
  if (existsSync(join(name, 'model_index.json')) || /^(hf|https?):/.test(name)) return fromPipeline(name);
  if (presetNames.includes(name)) return fromPreset(name, options);
  if (existsSync(name)) return fromRun(name, options); // It says what is missing.
  if (/^[\w-]+\/[\w.-]+$/.test(name) && !name.startsWith('runs/')) return fromPipeline(name);
  const nearest = didYouMean(name, presetNames);
  const hint = nearest === undefined ? '' : ` Did you mean '${nearest}'?`;
  const message =
    `\`${name}\` is not the folder of a training run or a pipeline, and no preset.${hint} ` +
    `Presets (with random weights): ${presetNames.join(', ')}.`;
  throw new DiffusionError('DIFFUSION_NOT_A_RUN', message);
}

async function fromRun(folder: string, { checkpoint }: Options): Promise<LoadedModel> {
  const { config, model } = await loadRun(folder, { ...(checkpoint !== undefined && { checkpoint }) });
  return {
    identity: `${checkpointOf(folder, checkpoint)} ${checksumsOf(checkpointOf(folder, checkpoint))}`,
    network: model,
    imageShape: imageShapeOf(model),
    schedulerFor: (name) => makeScheduler(name, config),
  };
}

async function fromPipeline(folder: string): Promise<LoadedModel> {
  const { unet, scheduler } = await loadPipeline(folder);
  const { _class_name, ...config } = (scheduler as { config?: SchedulerConfig }).config ?? {};
  return {
    identity: folder,
    network: unet,
    imageShape: imageShapeOf(unet),
    schedulerFor: (name) =>
      fromConfig({ ...config, _class_name: schedulerClass(name) }) as unknown as SamplingScheduler,
  };
}

function fromPreset(name: string, { size, channels, seed }: Options): LoadedModel {
  const network = makePreset(name, channels, size) as Network & { initialize(generator: Generator): void };
  network.initialize(createGenerator(seed));
  process.stderr.write(`${name} is a preset: its weights are random, and its pictures noise.\n`);
  return {
    identity: `${name} ${seed}`,
    network,
    imageShape: [size, size, channels],
    schedulerFor: (scheduler) => fromConfig({ _class_name: schedulerClass(scheduler) }) as unknown as SamplingScheduler,
  };
}
