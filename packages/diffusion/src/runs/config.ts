import { invalidArgument, unknownName } from '@missing-u/errors';
import { DiffusionError } from '../errors.ts';
import { learningRateSchedules, type LearningRateSchedule } from '../training/learning-rate.ts';
import { predictionTypes } from '../training/objective.ts';

/** Everything that decides a training run; `config.json` of the run's folder. */
export interface RunConfig {
  dataset: string;
  /** Folder of the data set's files; where it is looked for otherwise is the data set's affair. */
  root: string | null;
  model: string;
  /** Width of the network: state channels of the cU-Net's first level. */
  channels: number;
  /** Side of the square images in pixels. */
  size: number;
  /** Diffusion steps of the trained chain (T). */
  timesteps: number;
  /** Noise schedule, by diffusers' name. */
  schedule: string;
  prediction: (typeof predictionTypes)[number];
  /** Optimiser steps. */
  steps: number;
  batch: number;
  learningRate: number;
  learningRateSchedule: LearningRateSchedule;
  warmupSteps: number;
  maxGradNorm: number;
  emaDecay: number;
  checkpointEvery: number;
  keepCheckpoints: number;
  seed: number;
}

export const defaultConfig: RunConfig = {
  dataset: 'mnist',
  root: null,
  model: 'cunet',
  channels: 16,
  size: 32,
  timesteps: 1000,
  schedule: 'linear',
  prediction: 'epsilon',
  steps: 10_000,
  batch: 64,
  learningRate: 4e-4,
  learningRateSchedule: 'constant_with_warmup',
  warmupSteps: 100,
  maxGradNorm: 1,
  emaDecay: 0.999,
  checkpointEvery: 500,
  keepCheckpoints: 3,
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

const rules: Record<keyof RunConfig, Rule> = {
  dataset: text,
  root: { allowed: 'a folder or null', holds: (value) => value === null || typeof value === 'string' },
  model: text,
  channels: count,
  size: {
    allowed: 'a multiple of 16 (the network halves the image four times)',
    holds: (value) => Number.isInteger(value) && Number(value) > 0 && Number(value) % 16 === 0,
  },
  timesteps: count,
  schedule: text,
  prediction: oneOf(predictionTypes),
  steps: count,
  batch: count,
  learningRate: positive,
  learningRateSchedule: oneOf(learningRateSchedules),
  warmupSteps: countOrZero,
  maxGradNorm: positive,
  emaDecay: { allowed: 'a number from 0 to 1', holds: (value) => Number(value) >= 0 && Number(value) <= 1 },
  checkpointEvery: count,
  keepCheckpoints: count,
  seed: { allowed: 'an integer', holds: (value) => Number.isSafeInteger(value) },
};

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
