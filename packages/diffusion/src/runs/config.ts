import { invalidArgument, show, unknownName } from '@missing-u/errors';
import { BETA_SCHEDULES } from '@missing-u/schedulers';
import { DiffusionError } from '../errors.ts';
import { learningRateSchedules, type LearningRateSchedule } from '../training/learning-rate.ts';
import { lossWeightings, type LossWeighting } from '../training/loss-weights.ts';
import { noiseJitterOf } from '../training/noise-jitter.ts';
import { predictionTypes } from '../training/objective.ts';
import { timestepSamplings, type TimestepSampling } from '../training/timestep-sampler.ts';

/** Everything that decides a training run; `config.json` of the run's folder. */
export interface RunConfig {
  dataset: string;
  /** Folder of the data set's files; where it is looked for otherwise is the data set's affair. */
  root: string | null;
  model: string;
  /** Width of the network: state channels of the cU-Net's first level. */
  channels: number;
  /** Further options of the network, by the names of its constructor: an ablation is a line here. */
  modelOptions: Readonly<Record<string, unknown>>;
  /** Side of the square images in pixels. */
  size: number;
  /**
   * Model whose weights training begins with, by any name that `openModel` knows (`mnist-cunet`, the folder of a run or of a
   * pipeline, a name on the Hugging Face hub); null for random ones.
   */
  from: string | null;
  /** Whether half of the images, others in each epoch, are mirrored left to right. */
  randomFlip: boolean;
  /** Diffusion steps of the trained chain (T). */
  timesteps: number;
  /** Noise schedule, by diffusers' name. */
  schedule: string;
  prediction: (typeof predictionTypes)[number];
  /** Optimiser steps. */
  steps: number;
  batch: number;
  /** Batches whose gradients are added up for one step. */
  accumulate: number;
  learningRate: number;
  learningRateSchedule: LearningRateSchedule;
  warmupSteps: number;
  /** Steps over which `warmup_stable_decay` falls to 0 at the end. */
  decaySteps: number;
  /** Adam's decays of the two moments. */
  betas: readonly [number, number];
  /** Decoupled weight decay (AdamW); 0 is Adam. */
  weightDecay: number;
  maxGradNorm: number;
  /** Decay of the averaged weights, or several for several averages; the first one is sampled from. */
  emaDecay: number | readonly number[];
  lossWeighting: LossWeighting;
  /** gamma of `min-snr` and `p2`; null for theirs. */
  lossGamma: number | null;
  timestepSampling: TimestepSampling;
  /** Of `logit-normal`: mean and standard deviation of the logit of t / T. */
  logitMean: number;
  logitStd: number;
  /** Of `logit-normal`: share of the draws that stays uniform. */
  uniformShare: number;
  /** Share of the images whose noise is more or less than their timestep says. */
  noiseJitter: number;
  /** The largest factor of their noise. */
  noiseJitterMost: number;
  /** Whether the network sees its own estimate of the clean images; only for networks that can. */
  selfConditioning: boolean;
  /** Whether the network sees the labels; only for networks that can. */
  classConditioning: boolean;
  /** Share of the labels that are hidden, for guidance without a classifier. */
  labelDropout: number;
  checkpointEvery: number;
  /** Newest checkpoints that stay, besides the best. */
  keepCheckpoints: number;
  /** Steps between pictures of samples in the run's folder; 0 for none. */
  sampleEvery: number;
  /** Steps between validations on images that are not trained on; 0 for none. */
  validateEvery: number;
  /** Images of a validation. */
  validationCount: number;
  /** Steps between Fréchet distances of samples; 0 for none. */
  evaluateEvery: number;
  /** Samples of a Fréchet distance. */
  evaluateCount: number;
  seed: number;
}

/** A configuration in a file of its own: `export default defineConfig({ ... })`. */
export function defineConfig(config: Partial<RunConfig>): Partial<RunConfig> {
  return config;
}

export const defaultConfig: RunConfig = {
  dataset: 'mnist',
  root: null,
  model: 'cunet',
  channels: 16,
  modelOptions: {},
  size: 32,
  from: null,
  randomFlip: false,
  timesteps: 1000,
  schedule: 'linear',
  prediction: 'epsilon',
  steps: 10_000,
  batch: 64,
  accumulate: 1,
  learningRate: 4e-4,
  learningRateSchedule: 'constant_with_warmup',
  warmupSteps: 100,
  decaySteps: 0,
  betas: [0.9, 0.999],
  weightDecay: 0,
  maxGradNorm: 1,
  emaDecay: 0.999,
  lossWeighting: 'constant',
  lossGamma: null,
  timestepSampling: 'uniform',
  logitMean: 0,
  logitStd: 1,
  uniformShare: 0,
  ...noiseJitterOf(),
  selfConditioning: false,
  classConditioning: false,
  labelDropout: 0.1,
  checkpointEvery: 500,
  keepCheckpoints: 3,
  sampleEvery: 1000,
  validateEvery: 0,
  validationCount: 512,
  evaluateEvery: 0,
  evaluateCount: 256,
  seed: 0,
};

interface Rule {
  allowed: string;
  holds: (value: unknown) => boolean;
  /** The known names, where the value is one of a list. */
  names?: readonly string[];
}

const text: Rule = { allowed: 'a name', holds: (value) => typeof value === 'string' && value !== '' };
const count: Rule = {
  allowed: 'an integer of 1 or more',
  holds: (value) => Number.isInteger(value) && Number(value) >= 1,
};
const countOrZero: Rule = {
  allowed: 'an integer of 0 or more',
  holds: (value) => Number.isInteger(value) && Number(value) >= 0,
};
const positive: Rule = { allowed: 'a number above 0', holds: (value) => Number.isFinite(value) && Number(value) > 0 };
const oneOf = (names: readonly string[]): Rule => ({
  allowed: 'a known name',
  names,
  holds: (value) => names.includes(value as string),
});

const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);
const isShare = (value: unknown) => typeof value === 'number' && value >= 0 && value <= 1;
const share: Rule = { allowed: 'a number from 0 to 1', holds: isShare };
const flag: Rule = { allowed: 'true or false', holds: (value) => typeof value === 'boolean' };
const isList = (value: unknown, length?: number): value is unknown[] =>
  Array.isArray(value) && value.length > 0 && (length === undefined || value.length === length);

const rules: Record<keyof RunConfig, Rule> = {
  dataset: text,
  root: { allowed: 'a folder or null', holds: (value) => value === null || typeof value === 'string' },
  model: text,
  channels: count,
  modelOptions: { allowed: 'an object of options of the network', holds: isObject },
  size: {
    allowed: 'a multiple of 16 (the network halves the image four times)',
    holds: (value) => Number.isInteger(value) && Number(value) > 0 && Number(value) % 16 === 0,
  },
  from: { allowed: 'a model by its name or folder, or null', holds: (value) => value === null || text.holds(value) },
  randomFlip: flag,
  timesteps: count,
  schedule: oneOf(BETA_SCHEDULES),
  prediction: oneOf(predictionTypes),
  steps: count,
  batch: count,
  accumulate: count,
  learningRate: positive,
  learningRateSchedule: oneOf(learningRateSchedules),
  warmupSteps: countOrZero,
  decaySteps: countOrZero,
  betas: {
    allowed: 'two numbers from 0 up to, but not, 1',
    holds: (value) => isList(value, 2) && value.every((beta) => isShare(beta) && beta !== 1),
  },
  weightDecay: { allowed: 'a number of 0 or more', holds: (value) => Number.isFinite(value) && Number(value) >= 0 },
  maxGradNorm: positive,
  emaDecay: {
    allowed: 'a number from 0 to 1, or a list of them',
    holds: (value) => isShare(value) || (isList(value) && value.every(isShare)),
  },
  lossWeighting: oneOf(lossWeightings),
  lossGamma: { allowed: 'a number above 0, or null', holds: (value) => value === null || positive.holds(value) },
  timestepSampling: oneOf(timestepSamplings),
  logitMean: { allowed: 'a number', holds: (value) => Number.isFinite(value) },
  logitStd: positive,
  uniformShare: share,
  noiseJitter: share,
  noiseJitterMost: positive,
  selfConditioning: flag,
  classConditioning: flag,
  labelDropout: share,
  checkpointEvery: count,
  keepCheckpoints: count,
  sampleEvery: countOrZero,
  validateEvery: countOrZero,
  validationCount: count,
  evaluateEvery: countOrZero,
  evaluateCount: { allowed: 'an integer of 2 or more', holds: (value) => count.holds(value) && Number(value) >= 2 },
  seed: { allowed: 'an integer', holds: (value) => Number.isSafeInteger(value) },
};

/** What a run cannot change when it goes on: another network, other data or other random numbers are another run. */
const settled = [
  'dataset',
  'model',
  'channels',
  'modelOptions',
  'size',
  'from',
  'randomFlip',
  'timesteps',
  'schedule',
  'prediction',
  'emaDecay',
  'timestepSampling',
  'selfConditioning',
  'classConditioning',
  'seed',
] as const satisfies readonly (keyof RunConfig)[];

/**
 * The configuration of a run that goes on, with the keys of `given` that may change.
 *
 * @throws DiffusionError `DIFFUSION_RESUME_CONFLICT` for those that may not; those of `resolveConfig`
 */
export function resumedConfig(before: RunConfig, given: Readonly<Record<string, unknown>>): RunConfig {
  const after = resolveConfig({ ...before, ...given });
  for (const key of settled) {
    if (JSON.stringify(after[key]) === JSON.stringify(before[key])) continue;
    const message =
      `\`${key}\` is ${show(after[key])}, but this run was started with ${show(before[key])}, and its checkpoints fit nothing else. ` +
      `Leave it out to go on, or start a new run with --out.`;
    throw new DiffusionError('DIFFUSION_RESUME_CONFLICT', message);
  }
  return after;
}

/**
 * The configuration that `given` and the defaults make together.
 *
 * @throws DiffusionError `DIFFUSION_BAD_CONFIG`, `DIFFUSION_UNKNOWN_KEY` (with the nearest known key).
 */
export function resolveConfig(given: Readonly<Record<string, unknown>>): RunConfig {
  for (const [key, value] of Object.entries(given)) {
    const rule = Object.hasOwn(rules, key) ? rules[key as keyof RunConfig] : undefined;
    if (rule === undefined) {
      throw new DiffusionError(
        'DIFFUSION_UNKNOWN_KEY',
        unknownName('key of the configuration', key, Object.keys(rules)),
      );
    }
    if (!rule.holds(value)) {
      const { allowed, names } = rule;
      const message = names ? unknownName(key, value, names) : invalidArgument({ argument: key, value, allowed });
      throw new DiffusionError('DIFFUSION_BAD_CONFIG', message);
    }
  }
  return { ...defaultConfig, ...given };
}
