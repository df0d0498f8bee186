import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { diffusionDenoiser, type ImageDenoiser } from '@missing-u/denoisers';
import { didYouMean, invalidArgument } from '@missing-u/errors';
import { createGenerator, type Generator } from '@missing-u/random';
import { fromConfig, type SchedulerConfig } from '@missing-u/schedulers';
import type { SamplingScheduler } from '../contracts.ts';
import { DiffusionError } from '../errors.ts';
import { makePreset, presetNames, type Network } from '../networks.ts';
import { imageShapeOf, type ImageShape } from '../pipelines/image-shape.ts';
import { pretrainedModels, publishedFolder } from '../pipelines/package-folder.ts';
import { loadNetwork, loadPipeline } from '../pipelines/pretrained.ts';
import { loadRun } from './load-run.ts';
import { makeModel, makeScheduler, schedulerClass } from './registry.ts';
import { configFile, readRunConfig } from './run-folder.ts';

/** A scheduler with diffusers' JSON. */
export type ConfiguredScheduler = SamplingScheduler & { config: Readonly<Record<string, unknown>> };

/** A network, whatever it was opened from; the caller disposes it. */
export interface OpenedModel {
  network: Network;
  imageShape: ImageShape;
  /** A scheduler of the chain that the network was trained on, by its name; without one the model's own, DDIM for a run. */
  schedulerFor(name?: string): ConfiguredScheduler;
}

export interface OpenOptions {
  /** Of a run: `latest` (default), `best`, a step, or the name of a checkpoint's folder. */
  checkpoint?: string;
  /** For presets: side and channels of the images, and the seed of the weights. The side also where a model does not tell. */
  size?: number;
  channels?: number;
  seed?: number;
  /** False where only the shapes of the weights are wanted; default true. */
  weights?: boolean;
}

type Kind = 'run' | 'pipeline' | 'network' | 'preset';

/**
 * What `--model` names: one of this project's trained models (`mnist-cunet`), the folder of a training run, of a pipeline or of
 * a network as diffusers writes them, a name on the Hugging Face hub, or a preset with random weights.
 *
 * @throws DiffusionError `DIFFUSION_NOT_A_MODEL`, `DIFFUSION_UNKNOWN_CHECKPOINT`, and those of `loadRun`, `loadPipeline` and
 *   `loadNetwork`
 */
export async function openModel(name: string, options: OpenOptions = {}): Promise<OpenedModel> {
  const found = publishedFolder(name);
  const kind = kindOf(found);
  checkIsRun(name, kind === 'run', options);
  return openers[kind](found, options);
}

/** @throws DiffusionError `DIFFUSION_UNKNOWN_CHECKPOINT` where a checkpoint is named of something that is no run */
export function checkIsRun(name: string, isRun: boolean, { checkpoint }: OpenOptions): void {
  if (isRun || checkpoint === undefined) return;
  const message = `The checkpoint '${checkpoint}' is asked for, but \`${name}\` is not the folder of a training run and has no checkpoints: leave it out.`;
  throw new DiffusionError('DIFFUSION_UNKNOWN_CHECKPOINT', message);
}

/** The diffusion model of a folder with the face of the classical denoisers: DDIM from the timestep as noisy as the image. */
export async function openDenoiser(name: string): Promise<ImageDenoiser> {
  const { network, schedulerFor } = await openModel(name);
  return diffusionDenoiser(network, schedulerFor('ddim') as never);
}

/** A scheduler by name for the chain that diffusers' JSON describes; without a name, the one that it describes. */
export function schedulerOfChain(config: Readonly<Record<string, unknown>>, name?: string): ConfiguredScheduler {
  const { _class_name: own = schedulerClass('ddim') } = config;
  const described = { ...config, _class_name: name === undefined ? own : schedulerClass(name) };
  return fromConfig(described as SchedulerConfig);
}

/** @throws DiffusionError `DIFFUSION_BAD_COUNT` */
export function checkSteps(steps: number, config: Readonly<Record<string, unknown>>): void {
  const trained = Number(config['num_train_timesteps'] ?? Infinity);
  if (steps <= trained) return;
  const allowed = `an integer from 1 to ${trained}, the timesteps that the model was trained on`;
  throw new DiffusionError('DIFFUSION_BAD_COUNT', invalidArgument({ argument: 'steps', value: steps, allowed }));
}

/** Tells these weights from others. */
export function weightsHash(network: Network): string {
  const hash = createHash('sha256');
  for (const [name, { data }] of Object.entries(network.stateDict())) {
    hash.update(name).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest('hex');
}

function kindOf(name: string): Kind {
  if (existsSync(join(name, 'model_index.json')) || /^(hf|https?):/.test(name)) return 'pipeline';
  if (existsSync(configFile(name))) return isNetworkConfig(configFile(name)) ? 'network' : 'run';
  if (presetNames.includes(name)) return 'preset';
  if (existsSync(name)) return 'run'; // It says what is missing.
  if (/^[\w-]+\/[\w.-]+$/.test(name) && !name.startsWith('runs/')) return 'pipeline';
  const trained = pretrainedModels();
  const nearest = didYouMean(name, [...presetNames, ...trained]);
  const hint = nearest === undefined ? '' : ` Did you mean '${nearest}'?`;
  const message =
    `\`${name}\` is not the folder of a training run, a pipeline or a network, and no preset.${hint} ` +
    `Presets (with random weights): ${presetNames.join(', ')}. ` +
    `Trained models: ${trained.length > 0 ? trained.join(', ') : 'npm install @missing-u/pretrained'}.`;
  throw new DiffusionError('DIFFUSION_NOT_A_MODEL', message);
}

/** diffusers names the class of a network in its `config.json`; a run's has settings of the training. */
function isNetworkConfig(file: string): boolean {
  try {
    return '_class_name' in (JSON.parse(readFileSync(file, 'utf8')) as object);
  } catch {
    return false;
  }
}

/** How each kind is opened; a new one is one line in `kindOf` and one here. */
const openers: Readonly<Record<Kind, (name: string, options: OpenOptions) => Promise<OpenedModel>>> = {
  run: async (folder, { checkpoint, weights = true }) => {
    const config = readRunConfig(folder);
    const load = () => loadRun(folder, { ...(checkpoint !== undefined && { checkpoint }) });
    const network = weights ? (await load()).model : makeModel(config);
    const schedulerFor = (name = 'ddim') => makeScheduler(name, config) as unknown as ConfiguredScheduler;
    return { network, imageShape: imageShapeOf(network), schedulerFor };
  },
  pipeline: async (folder, options) => {
    const { unet, scheduler } = await loadPipeline(folder);
    const { config } = scheduler as ConfiguredScheduler;
    return { ...ofNetwork(unet, options), schedulerFor: (name) => schedulerOfChain(config, name) };
  },
  network: async (folder, options) => ofNetwork(await loadNetwork(folder, options), options),
  preset: async (name, options) => {
    const { size = 32, channels = 3, seed = 0, weights = true } = options;
    const network = makePreset(name, channels, size) as Network & { initialize(generator: Generator): void };
    if (weights) {
      network.initialize(createGenerator(seed));
      process.stderr.write(`${name} is a preset: its weights are random, and its pictures noise.\n`);
    }
    return ofNetwork(network, options);
  },
};

/** A network without a scheduler of its own: the chain of DDPM's paper. */
function ofNetwork(network: Network, { size = 32 }: OpenOptions): OpenedModel {
  const { in_channels: channels, sample_size: own } = network.config as { in_channels?: number; sample_size?: unknown };
  const asked = (own ?? null) === null && channels !== undefined ? ([size, size, channels] as const) : undefined;
  try {
    return { network, imageShape: imageShapeOf(network, asked), schedulerFor: (name) => schedulerOfChain({}, name) };
  } catch (error) {
    network.dispose();
    throw error;
  }
}
