export { DDIMPipeline } from './pipelines/ddim-pipeline.ts';
export { DDPMPipeline } from './pipelines/ddpm-pipeline.ts';
export {
  DiffusionPipeline,
  type GuidedOptions,
  type PipelineParts,
  type SampleOptions,
} from './pipelines/diffusion-pipeline.ts';
export { classifierFreeGuidance, type GuidanceOptions } from './pipelines/guidance.ts';
export { imageToImage, type ImageToImageOptions, type PartialOptions } from './pipelines/image-to-image.ts';
export { inpaint, type InpaintOptions } from './pipelines/inpaint.ts';
export {
  interpolateImages,
  interpolateNoise,
  type InterpolateImagesOptions,
  type InterpolateNoiseOptions,
} from './pipelines/interpolate.ts';
export { likelihood, type Likelihood, type LikelihoodOptions } from './pipelines/likelihood.ts';
export type { DDIMSettings, Randomness } from './pipelines/noise.ts';
export type { ImageArray, Outputs, OutputType } from './pipelines/output.ts';
export { reverseProcess, type ReverseOptions, type ReverseStep } from './pipelines/reverse-process.ts';
export type { StepCallback, StepTensors } from './pipelines/step-callback.ts';
export { Trainer, type TrainerOptions, type TrainerState, type TrainingStep } from './training/trainer.ts';
export { Adam, type AdamOptions } from './training/adam.ts';
export { Ema, emaDecay, type EmaOptions } from './training/ema.ts';
export { FlatParameters } from './training/flat-parameters.ts';
export { learningRateAt, type LearningRateOptions, type LearningRateSchedule } from './training/learning-rate.ts';
export { lossWeights, type LossWeighting, type LossWeightOptions } from './training/loss-weights.ts';
export {
  clipByGlobalNorm,
  clippingScale,
  lossAndGradient,
  trainingTarget,
  vectorNorm,
  type LossOptions,
} from './training/objective.ts';
export { applyUpdate, type Updated, type UpdateNumbers } from './training/update.ts';
export type { NoiseJitterOptions } from './training/noise-jitter.ts';
export type { TimestepSampling, TimestepSamplingOptions } from './training/timestep-sampler.ts';
export { validate, type ValidateOptions, type Validation, type ValidationBin } from './training/validate.ts';
export { imageGrid, type ByteImage } from './images/grid.ts';
export { DiffusionError } from './errors.ts';
export type {
  AsyncDenoiser,
  Condition,
  Denoiser,
  ImageBatch,
  NamedParameter,
  SamplingScheduler,
  TrainableDenoiser,
  TrainingScheduler,
} from './contracts.ts';
export {
  denoiseFrom,
  type BestDenoising,
  type DenoiseFromOptions,
  type DenoisingResult,
  type DenoisingStep,
  type Measure,
} from './evaluation/denoise-from.ts';
export { evaluate, type EvaluateOptions, type Evaluation, type GenerativeMetric } from './evaluation/evaluate.ts';
export { restore, type ListScheduler, type Restored, type RestoreOptions } from './evaluation/restore.ts';
export {
  bestSteps,
  compare,
  type CompareOptions,
  type ComparisonResult,
  type Contender,
  type Measurement,
  type ModelFacts,
  type Sampler,
} from './evaluation/compare.ts';
