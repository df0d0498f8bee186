import { unknownName } from '@missing-u/errors';
import { DiffusionError } from '../errors.ts';

/** diffusers' names of learning-rate schedules. */
export type LearningRateSchedule = 'constant' | 'constant_with_warmup' | 'linear' | 'cosine';

export interface LearningRateOptions {
  learningRate: number;
  schedule?: LearningRateSchedule;
  /** Steps over which the rate grows from 0 (all schedules but `constant`). */
  warmupSteps?: number;
  /** Steps after which `linear` and `cosine` reach 0. */
  totalSteps: number;
}

/** The factor between 0 and 1 by which the rate is multiplied, by progress after the warm-up. */
const shapes: Record<LearningRateSchedule, (progress: number) => number> = {
  constant: () => 1,
  constant_with_warmup: () => 1,
  linear: (progress) => 1 - progress,
  cosine: (progress) => (1 + Math.cos(Math.PI * progress)) / 2,
};

export const learningRateSchedules = Object.keys(shapes) as LearningRateSchedule[];

/** The rate of a step, counted from 0. */
export function learningRateAt(step: number, options: LearningRateOptions): number {
  const { learningRate, schedule = 'constant', totalSteps } = options;
  const shape = shapes[schedule];
  if (shape === undefined) {
    throw new DiffusionError('DIFFUSION_UNKNOWN_SCHEDULE', unknownName('schedule', schedule, learningRateSchedules));
  }
  const warmupSteps = schedule === 'constant' ? 0 : (options.warmupSteps ?? 0);
  if (step < warmupSteps) return (learningRate * step) / warmupSteps;
  const progress = Math.min(1, (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps));
  return learningRate * shape(progress);
}
