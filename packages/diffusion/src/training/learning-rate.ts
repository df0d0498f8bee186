import { unknownName } from '@missing-u/errors';
import { DiffusionError } from '../errors.ts';

/** diffusers' names of learning-rate schedules, and `warmup_stable_decay`, as transformers calls it. */
export type LearningRateSchedule = 'constant' | 'constant_with_warmup' | 'linear' | 'cosine' | 'warmup_stable_decay';

export interface LearningRateOptions {
  learningRate: number;
  schedule?: LearningRateSchedule;
  /** Steps over which the rate grows from 0 (all schedules but `constant`). */
  warmupSteps?: number;
  /** Steps at the end over which `warmup_stable_decay` falls to 0. */
  decaySteps?: number;
  /** Steps after which `linear`, `cosine` and `warmup_stable_decay` reach 0. */
  totalSteps: number;
}

/** The factor between 0 and 1 by which the rate is multiplied, by progress after the warm-up. */
const shapes: Record<Exclude<LearningRateSchedule, 'warmup_stable_decay'>, (progress: number) => number> = {
  constant: () => 1,
  constant_with_warmup: () => 1,
  linear: (progress) => 1 - progress,
  cosine: (progress) => (1 + Math.cos(Math.PI * progress)) / 2,
};

export const learningRateSchedules = [...Object.keys(shapes), 'warmup_stable_decay'] as LearningRateSchedule[];

/** The rate of a step, counted from 0. */
export function learningRateAt(step: number, options: LearningRateOptions): number {
  const { learningRate, schedule = 'constant', totalSteps } = options;
  if (!learningRateSchedules.includes(schedule)) {
    throw new DiffusionError('DIFFUSION_UNKNOWN_SCHEDULE', unknownName('schedule', schedule, learningRateSchedules));
  }
  const warmupSteps = schedule === 'constant' ? 0 : (options.warmupSteps ?? 0);
  if (step < warmupSteps) return (learningRate * step) / warmupSteps;
  // Constant until the last steps, then half a cosine: a run can be taken up from before the decay and go on for longer.
  const stable = schedule === 'warmup_stable_decay' ? totalSteps - (options.decaySteps ?? 0) : 0;
  const begin = Math.max(warmupSteps, stable);
  const progress = Math.min(1, Math.max(0, step - begin) / Math.max(1, totalSteps - begin));
  return learningRate * shapes[schedule === 'warmup_stable_decay' ? 'cosine' : schedule](progress);
}
