export { DiffusionPipeline, type SampleOptions, type StepCallback } from './pipelines/diffusion-pipeline.ts';
export { imageToImage, type ImageToImageOptions } from './pipelines/image-to-image.ts';
export { reverseProcess, type ReverseOptions, type ReverseStep } from './pipelines/reverse-process.ts';
export { Trainer, type TrainerOptions, type TrainerState, type TrainingStep } from './training/trainer.ts';
export { Adam, type AdamOptions } from './training/adam.ts';
export { Ema, emaDecay, type EmaOptions } from './training/ema.ts';
export { FlatParameters } from './training/flat-parameters.ts';
export { learningRateAt, type LearningRateOptions, type LearningRateSchedule } from './training/learning-rate.ts';
export { clipByGlobalNorm, lossAndGradient, trainingTarget } from './training/objective.ts';
export { imageGrid, type ByteImage } from './images/grid.ts';
export { DiffusionError } from './errors.ts';
export type {
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
export {
  bestSteps,
  compare,
  type CompareOptions,
  type ComparisonResult,
  type Contender,
  type ModelFacts,
  type Sampler,
} from './evaluation/compare.ts';
