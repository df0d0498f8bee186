import { unknownName } from '@missing-u/errors';
import type { Generator } from '@missing-u/random';
import {
  LossSecondMomentSampler,
  logitNormalTimesteps,
  stratifiedTimesteps,
  uniformTimesteps,
  type TrainingDraw,
} from '@missing-u/schedulers';
import { DiffusionError } from '../errors.ts';

/** Chooses the timesteps of a training batch. */
export interface TimestepSampler {
  draw(generator: Generator, batch: number): TrainingDraw;
  /** Is told the unweighted errors. */
  update?(timesteps: ArrayLike<number>, errors: ArrayLike<number>): void;
  /** What it has learnt, as JSON. */
  state?(): unknown;
  restore?(state: never): void;
}

export interface TimestepSamplingOptions {
  /**
   * How timesteps are drawn: `uniform` (default), `stratified`, `logit-normal` (more of a part of the chain) or `loss-second-moment`
   * (more of those with large errors, which then count for less).
   */
  timestepSampling?: TimestepSampling;
  /** Of `logit-normal`: the mean of the logit of t / T; below 0 nearer to the images. Default 0: half the chain. */
  logitMean?: number;
  /** Of `logit-normal`: the standard deviation of that logit; default 1. */
  logitStd?: number;
  /** Of `logit-normal`: share of the draws that stays uniform, so that no timestep is left out; default 0. */
  uniformShare?: number;
}

type Make = (count: number, options: TimestepSamplingOptions) => TimestepSampler;

const samplers = {
  /** Every timestep equally often. */
  uniform: (count) => ({
    draw: (generator, batch) => uniformTimesteps(generator, batch, count),
  }),
  /** One draw per equal part of the chain. */
  stratified: (count) => ({
    draw: (generator, batch) => stratifiedTimesteps(generator, batch, count),
  }),
  /** More of a part of the chain (Esser et al. 2024, section 3.1). */
  'logit-normal': (count, { logitMean = 0, logitStd = 1, uniformShare = 0 }) => ({
    draw: (generator, batch) =>
      logitNormalTimesteps(generator, batch, count, { mean: logitMean, deviation: logitStd, uniformShare }),
  }),
  /** In proportion to the root mean square of recent errors (Nichol and Dhariwal 2021, section 3.3). */
  'loss-second-moment': (count) => new LossSecondMomentSampler(count),
} satisfies Record<string, Make>;

export type TimestepSampling = keyof typeof samplers;

export const timestepSamplings = Object.keys(samplers) as TimestepSampling[];

/** @throws DiffusionError `DIFFUSION_UNKNOWN_TIMESTEP_SAMPLING` */
export function makeTimestepSampler(count: number, options: TimestepSamplingOptions = {}): TimestepSampler {
  const { timestepSampling: name = 'uniform' } = options;
  if (Object.hasOwn(samplers, name)) return samplers[name](count, options);
  const message = unknownName('timestepSampling', name, timestepSamplings);
  throw new DiffusionError('DIFFUSION_UNKNOWN_TIMESTEP_SAMPLING', message);
}
