import { existsSync } from 'node:fs';
import { invalidArgument } from '@missing-u/errors';
import { fromConfig, type SchedulerConfig } from '@missing-u/schedulers';
import type { SamplingScheduler } from '../contracts.ts';
import { DiffusionError } from '../errors.ts';
import type { Network } from '../networks.ts';
import { loadPipeline } from '../pipelines/pretrained.ts';
import { defaultConfig, type RunConfig } from '../runs/config.ts';
import { loadRun } from '../runs/load-run.ts';
import { makeScheduler } from '../runs/registry.ts';
import { configFile } from '../runs/run-folder.ts';

/** A scheduler with diffusers' JSON. */
export type ConfiguredScheduler = SamplingScheduler & { config: Readonly<Record<string, unknown>> };

/** A trained network, with what is needed to sample from it. */
export interface OpenedModel {
  network: Network;
  scheduler: ConfiguredScheduler;
  height: number;
  width: number;
  channels: number;
}

/**
 * The network of a run's folder or of a pipeline's; the caller disposes it. `name` chooses another scheduler for the same
 * chain.
 *
 * @throws DiffusionError `DIFFUSION_NOT_A_MODEL`, and what the two kinds of folders throw
 */
export async function openModel(folder: string, name?: string): Promise<OpenedModel> {
  if (!existsSync(folder)) {
    const allowed = 'the folder of a training run or of a pipeline';
    throw new DiffusionError('DIFFUSION_NOT_A_MODEL', invalidArgument({ argument: 'model', value: folder, allowed }));
  }
  if (existsSync(configFile(folder))) {
    const { config, model } = await loadRun(folder);
    const scheduler = makeScheduler(name ?? 'ddim', config) as unknown as ConfiguredScheduler;
    return { network: model, scheduler, ...imagesOf(model, config.size) };
  }
  const { unet, scheduler } = await loadPipeline(folder);
  const own = scheduler as ConfiguredScheduler;
  return {
    network: unet,
    scheduler: name === undefined ? own : schedulerOfChain(own.config, name),
    ...imagesOf(unet, undefined),
  };
}

/** A scheduler by name for the chain that diffusers' JSON describes; without a name, the one that it describes. */
export function schedulerOfChain(config: Readonly<Record<string, unknown>>, name?: string): ConfiguredScheduler {
  if (name === undefined && typeof config['_class_name'] === 'string') {
    return fromConfig(config as SchedulerConfig) as unknown as ConfiguredScheduler;
  }
  const { num_train_timesteps: timesteps, beta_schedule: schedule, prediction_type: prediction } = config;
  const chain = Object.fromEntries(
    Object.entries({ timesteps, schedule, prediction }).filter(([, value]) => value !== undefined),
  ) as Partial<RunConfig>;
  return makeScheduler(name ?? 'ddim', { ...defaultConfig, ...chain });
}

function imagesOf({ config }: Network, size: number | undefined): { height: number; width: number; channels: number } {
  const { imageSize, sample_size, inChannels, in_channels } = config as {
    imageSize?: number;
    sample_size?: number | readonly [number, number] | null;
    inChannels?: number;
    in_channels?: number;
  };
  const side = size ?? imageSize ?? sample_size ?? 64;
  const [height, width] = typeof side === 'number' ? [side, side] : side;
  return { height, width, channels: inChannels ?? in_channels ?? 3 };
}
