import { invalidArgument, unknownName } from '@missing-u/errors';
import { checkNames } from '../check-names.ts';
import type { ImageBatch } from '../contracts.ts';
import { DiffusionError } from '../errors.ts';
import { checkImages } from '../pipelines/ranges.ts';
import type { EmaOptions } from './ema.ts';
import { learningRateSchedules } from './learning-rate.ts';
import { checkNoiseJitter } from './noise-jitter.ts';
import type { TrainerOptions } from './trainer.ts';

/** What a number has to be; undefined stands for a default. */
type Rule = readonly [allowed: string, holds: (value: number) => boolean];

const notNegative: Rule = ['a number of 0 or more', (value) => value >= 0 && value < Infinity];
const positive: Rule = ['a number above 0', (value) => value > 0 && value < Infinity];
const share: Rule = ['a number from 0 to 1', (value) => value >= 0 && value <= 1];

const names: Record<keyof TrainerOptions, true> = {
  ...{ denoiser: true, scheduler: true, seed: true, compile: true, memoryBudget: true },
  ...{ maxGradNorm: true, betas: true, epsilon: true, weightDecay: true, ema: true },
  ...{ learningRate: true, schedule: true, warmupSteps: true, decaySteps: true, totalSteps: true },
  ...{ lossWeighting: true, lossGamma: true, noiseJitter: true, noiseJitterMost: true },
  ...{ timestepSampling: true, logitMean: true, logitStd: true, uniformShare: true },
  ...{ selfConditioning: true, classConditioning: true },
};

/** Numbers that would make all weights or averages not finite, or other ones than are asked for, without a word. */
const rules = {
  learningRate: notNegative,
  warmupSteps: notNegative,
  decaySteps: notNegative,
  epsilon: notNegative,
  weightDecay: notNegative,
  logitMean: ['a number', Number.isFinite],
  logitStd: positive,
  uniformShare: share,
  maxGradNorm: ['a number above 0, or Infinity for no clipping', (value) => value > 0],
} as const satisfies Partial<Record<keyof TrainerOptions, Rule>>;

const emaRules = {
  decay: share,
  minDecay: share,
  updateAfterStep: notNegative,
  invGamma: positive,
  power: positive,
} as const satisfies Partial<Record<keyof EmaOptions, Rule>>;

/**
 * Refuses options that a trainer cannot train with.
 *
 * @throws DiffusionError `DIFFUSION_UNKNOWN_OPTION`, `DIFFUSION_BAD_CONFIG`, `DIFFUSION_UNKNOWN_SCHEDULE`
 */
export function checkTrainerOptions(options: TrainerOptions): void {
  checkNames(options, names);
  const { learningRate, schedule = 'constant', totalSteps, betas, ema, classConditioning } = options;
  if (learningRate === undefined) refuse('learningRate', learningRate, rules.learningRate[0]);
  checkNumbers(options, rules);
  if (!learningRateSchedules.includes(schedule)) {
    throw new DiffusionError('DIFFUSION_UNKNOWN_SCHEDULE', unknownName('schedule', schedule, learningRateSchedules));
  }
  if (!schedule.startsWith('constant') && !positive[1](totalSteps)) {
    refuse('totalSteps', totalSteps, `a number above 0: the steps after which '${schedule}' reaches 0`);
  }
  if (betas !== undefined && !(betas.length === 2 && betas.every((beta) => beta >= 0 && beta < 1))) {
    refuse('betas', betas, 'two numbers from 0 up to, but not, 1');
  }
  checkNoiseJitter(options);
  checkAverages(ema);
  if (classConditioning === undefined) return;
  const { nullLabel } = classConditioning;
  checkNumbers(classConditioning, { dropout: share }, 'classConditioning.');
  if (!(Number.isInteger(nullLabel) && nullLabel >= 0)) {
    refuse('classConditioning.nullLabel', nullLabel, 'an integer of 0 or more');
  }
}

function checkAverages(ema: TrainerOptions['ema']): void {
  if (!isList(ema)) return checkNumbers(ema ?? {}, emaRules, 'ema.');
  if (ema.length === 0) refuse('ema', ema, 'one average or more');
  for (const [i, one] of ema.entries()) checkNumbers(one, emaRules, `ema[${i}].`);
}

/**
 * Refuses what no step can be made on.
 *
 * @throws DiffusionError `DIFFUSION_BAD_IMAGES`
 */
export function checkBatches(batches: readonly ImageBatch[]): void {
  const list = 'a batch `{ images }`, or a list of one or more';
  if (batches.length === 0) refuse('batches', batches, list, 'DIFFUSION_BAD_IMAGES');
  for (const batch of batches) {
    if (typeof batch !== 'object' || batch === null) refuse('batches', batch, list, 'DIFFUSION_BAD_IMAGES');
    checkImages(batch.images, 'images', '[-1, 1]');
    if (batch.images.shape[0] === 0) refuse('images', batch.images, 'one image or more', 'DIFFUSION_BAD_IMAGES');
  }
}

function checkNumbers(values: object, known: Readonly<Record<string, Rule>>, prefix = ''): void {
  for (const [name, [allowed, holds]] of Object.entries(known)) {
    const value = (values as Record<string, unknown>)[name];
    if (value !== undefined && !(typeof value === 'number' && holds(value))) refuse(`${prefix}${name}`, value, allowed);
  }
}

function isList<T>(value: T | readonly T[] | undefined): value is readonly T[] {
  return Array.isArray(value);
}

function refuse(argument: string, value: unknown, allowed: string, code = 'DIFFUSION_BAD_CONFIG'): never {
  throw new DiffusionError(code, invalidArgument({ argument, value, allowed }));
}
