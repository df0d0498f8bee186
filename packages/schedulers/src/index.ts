export { createGenerator, torchGenerator, type Generator, type GeneratorState } from '@missing-u/random';
export { DDPMScheduler, VARIANCE_TYPES, type DDPMOptions, type VarianceType } from './ddpm.ts';
export { DDIMScheduler, type DDIMOptions, type DDIMStepOptions } from './ddim.ts';
export { Scheduler, type CommonOptions, type StepOptions, type StepResult, type TimestepRequest } from './scheduler.ts';
export type { SchedulerConfig } from './config.ts';
export { SchedulerError } from './errors.ts';
export type { Sample, NumberArray, TensorLike, Timestep } from './sample.ts';
export type { Precision } from './precision.ts';
export { PREDICTION_TYPES, type PredictionType } from './prediction.ts';
export {
  BETA_SCHEDULES,
  betasForAlphaBar,
  cosineAlphaBar,
  laplaceAlphaBar,
  linearBetas,
  noiseTables,
  rescaleZeroTerminalSnr,
  scaledLinearBetas,
  sigmoidAlphaBar,
  sigmoidBetas,
  type BetaOptions,
  type BetaSchedule,
  type NoiseTables,
} from './schedules/betas.ts';
export {
  TIMESTEP_SPACINGS,
  spacedTimesteps,
  type SpacingOptions,
  type TimestepSpacing,
} from './schedules/timesteps.ts';
export type { Arithmetic, Coefficient, Term } from './arithmetic/arithmetic.ts';
export { arithmeticOf } from './arithmetic/choose.ts';
