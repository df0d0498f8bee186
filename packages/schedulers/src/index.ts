export { createGenerator, torchGenerator, type Generator, type GeneratorState } from '@missing-u/random';
export { DDPMScheduler, VARIANCE_TYPES, type DDPMOptions, type DDPMStepOptions, type VarianceType } from './ddpm.ts';
export { DDIMScheduler, type DDIMOptions, type DDIMStepOptions } from './ddim.ts';
export type { ChurnOptions } from './churn.ts';
export { EulerDiscreteScheduler, type EulerOptions } from './euler.ts';
export { EulerAncestralDiscreteScheduler } from './euler-ancestral.ts';
export { HeunDiscreteScheduler, type HeunOptions } from './heun.ts';
export { LMSDiscreteScheduler, type LMSStepOptions } from './lms.ts';
export { KDPM2DiscreteScheduler } from './kdpm2.ts';
export { KDPM2AncestralDiscreteScheduler } from './kdpm2-ancestral.ts';
export { DPMSolverMultistepScheduler, type DpmMultistepOptions, type DpmOptions } from './dpm-multistep.ts';
export { DPMSolverSinglestepScheduler } from './dpm-singlestep.ts';
export { DPMSolverSDEScheduler, type DpmSdeOptions, type DpmSdeStepOptions } from './dpm-sde.ts';
export { DPMSolverMultistepInverseScheduler } from './dpm-multistep-inverse.ts';
export { DEISMultistepScheduler, type DEISOptions } from './deis.ts';
export { UniPCMultistepScheduler, type UniPCOptions } from './unipc.ts';
export { SASolverScheduler, type SASolverOptions } from './sa-solver.ts';
export { DDPMParallelScheduler } from './ddpm-parallel.ts';
export { DDIMParallelScheduler } from './ddim-parallel.ts';
export { DDIMInverseScheduler, type DDIMInverseOptions } from './ddim-inverse.ts';
export { UnCLIPScheduler } from './unclip.ts';
export { PNDMScheduler, type PNDMOptions } from './pndm.ts';
export { IPNDMScheduler, type IPNDMOptions } from './ipndm.ts';
export { LCMScheduler, type DistilledOptions, type DistilledTimestepOptions } from './lcm.ts';
export { TCDScheduler, type TCDStepOptions } from './tcd.ts';
export { CMStochasticIterativeScheduler, type ConsistencyOptions } from './consistency.ts';
export { EDMEulerScheduler } from './edm-euler.ts';
export { EDMDPMSolverMultistepScheduler, type EdmDpmOptions } from './edm-dpm-multistep.ts';
export type { EdmOptions } from './edm.ts';
export { RePaintScheduler, type RePaintOptions, type RePaintStepOptions } from './repaint.ts';
export { ScoreSdeVeScheduler, type ScoreSdeVeOptions, type SdeStepResult } from './sde-ve.ts';
export { ScoreSdeVpScheduler, type ScoreSdeVpOptions } from './sde-vp.ts';
export { FlowMatchEulerDiscreteScheduler, type FlowMatchEulerOptions } from './flow-match-euler.ts';
export { FlowMatchHeunDiscreteScheduler } from './flow-match-heun.ts';
export type { FlowOptions } from './flow-match.ts';
export type { LambdaOptions, ShiftOptions } from './lambda-scheduler.ts';
export type { SigmaOptions } from './sigma-scheduler.ts';
export * from './schedules/sigmas.ts';
export { Scheduler, type CommonOptions, type StepOptions, type StepResult } from './scheduler.ts';
export type { TimestepRequest } from './timestep-request.ts';
export { SCHEDULERS, fromConfig, type AnyScheduler, type SchedulerName } from './registry.ts';
export type { SchedulerConfig } from './config.ts';
export { parseConfig, stringifyConfig } from './config-text.ts';
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
export { minSnrWeights, p2Weights, signalToNoise, type SnrWeightOptions } from './training/weights.ts';
export { trainingPair, type ForwardProcess } from './training/targets.ts';
export { discretizedLogLikelihood, normalKl, type Normal } from './training/likelihood.ts';
export { respacedBetas, spaceTimesteps } from './training/respace.ts';
export {
  LossSecondMomentSampler,
  logNormalSigmas,
  stratifiedTimesteps,
  stratifiedUniform,
  uniformTimesteps,
  type TrainingDraw,
} from './training/timestep-samplers.ts';
export { logitNormalProbabilities, logitNormalTimesteps, type LogitNormalOptions } from './training/logit-normal.ts';
export {
  SpacedDiffusion,
  type DiffusionModel,
  type GaussianDiffusionOptions,
  type LossTerms,
  type LossType,
  type ModelVariance,
  type ReverseDistribution,
} from './training/gaussian-diffusion.ts';
export {
  edmDenoiser,
  epsilonDenoiser,
  sampleDenoiser,
  sigmaRange,
  velocityDenoiser,
  type Denoiser,
  type TimestepModel,
} from './samplers/denoisers.ts';
export type { SamplerOptions, SamplerProgress } from './samplers/loop.ts';
export { sampleEuler, sampleEulerAncestral, type ChurnSamplerOptions } from './samplers/euler.ts';
export {
  sampleDpm2,
  sampleDpm2Ancestral,
  sampleDpmpp2sAncestral,
  sampleDpmppSde,
  sampleHeun,
} from './samplers/second-order.ts';
export { sampleDdim, sampleDpmpp2m, sampleDpmpp2mSde, sampleDpmpp3mSde, sampleLms } from './samplers/multistep.ts';
export { sampleDpmFast, type DpmFastOptions } from './samplers/dpm-fast.ts';
export { sampleDpmAdaptive, type DpmAdaptiveInfo, type DpmAdaptiveOptions } from './samplers/dpm-adaptive.ts';
export { roundHalfEven } from './schedules/numeric.ts';
