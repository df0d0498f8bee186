import { unknownName } from '@missing-u/errors';
import type { Generator } from '@missing-u/random';
import {
  LossSecondMomentSampler,
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

const samplers = {
  /** Every timestep equally often. */
  uniform: (count: number): TimestepSampler => ({
    draw: (generator, batch) => uniformTimesteps(generator, batch, count),
  }),
  /** One draw per equal part of the chain. */
  stratified: (count: number): TimestepSampler => ({
    draw: (generator, batch) => stratifiedTimesteps(generator, batch, count),
  }),
  /** In proportion to the root mean square of recent errors (Nichol and Dhariwal 2021, section 3.3). */
  'loss-second-moment': (count: number): TimestepSampler => new LossSecondMomentSampler(count),
} satisfies Record<string, (count: number) => TimestepSampler>;

export type TimestepSampling = keyof typeof samplers;

export const timestepSamplings = Object.keys(samplers) as TimestepSampling[];

/** @throws DiffusionError `DIFFUSION_UNKNOWN_TIMESTEP_SAMPLING` */
export function makeTimestepSampler(name: TimestepSampling, count: number): TimestepSampler {
  if (Object.hasOwn(samplers, name)) return samplers[name](count);
  const message = unknownName('timestepSampling', name, timestepSamplings);
  throw new DiffusionError('DIFFUSION_UNKNOWN_TIMESTEP_SAMPLING', message);
}
