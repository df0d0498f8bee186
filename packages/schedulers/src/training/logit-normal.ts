import type { Generator } from '@missing-u/random';
import { refuse } from '../errors.ts';
import { stratifiedUniform, type TrainingDraw } from './timestep-samplers.ts';

export interface LogitNormalOptions {
  /** Mean of the logit of a timestep's share of the chain; below 0 nearer to the images. Default 0: half the chain. */
  mean?: number;
  /** Standard deviation of that logit; default 1. */
  deviation?: number;
  /** Share of the draws that stays uniform, so that no timestep is left out; default 0. */
  uniformShare?: number;
}

/**
 * Timesteps 0 .. count - 1 of which some are drawn more often: those whose share of the chain has a likely logit under a normal
 * distribution (Esser et al. 2024, "Scaling Rectified Flow Transformers", section 3.1; diffusers' `logit_normal`). One draw per
 * equal part of the distribution, in random order. The weights are 1, so that what is drawn more often counts for more.
 *
 * @throws SchedulerError `SCHEDULER_INVALID_ARGUMENT`
 */
export function logitNormalTimesteps(
  generator: Generator,
  batch: number,
  count: number,
  options: LogitNormalOptions = {},
): TrainingDraw {
  let sum = 0;
  const cumulative = logitNormalProbabilities(count, options).map((probability) => (sum += probability));
  const values = stratifiedUniform(generator, batch).map((u) => cumulative.findIndex((below) => u < below / sum));
  return { values, weights: new Float64Array(batch).fill(1) };
}

/**
 * The probability of each timestep: the density in the middle of its part of the chain.
 *
 * @throws SchedulerError `SCHEDULER_INVALID_ARGUMENT`
 */
export function logitNormalProbabilities(count: number, options: LogitNormalOptions = {}): Float64Array {
  const { mean = 0, deviation = 1, uniformShare = 0 } = options;
  const check = (argument: string, value: number, isGood: boolean, allowed: string) => {
    if (!isGood) refuse({ argument, value, allowed });
  };
  check('count', count, Number.isInteger(count) && count >= 1, 'an integer of 1 or more');
  check('mean', mean, Number.isFinite(mean), 'a number');
  check('deviation', deviation, deviation > 0 && deviation < Infinity, 'a number above 0');
  check('uniformShare', uniformShare, uniformShare >= 0 && uniformShare <= 1, 'a number from 0 to 1');
  // p(u) of equation 19 without its constant, as a logarithm: far from the mean all densities are too small for a number.
  const logs = Float64Array.from({ length: count }, (_, t) => {
    const u = (t + 0.5) / count;
    return -0.5 * ((Math.log(u / (1 - u)) - mean) / deviation) ** 2 - Math.log(u * (1 - u));
  });
  const most = logs.reduce((a, b) => Math.max(a, b), -Infinity);
  const densities = logs.map((log) => Math.exp(log - most));
  const total = densities.reduce((a, b) => a + b, 0);
  return densities.map((density) => ((1 - uniformShare) * density) / total + uniformShare / count);
}
