export type { Image, RangeOptions } from './images/image.ts';
export {
  meanSquaredError,
  normalizedRootMse,
  peakSignalNoiseRatio,
  type Normalization,
} from './images/errors-of-pixels.ts';
export {
  structuralSimilarity,
  structuralSimilarityDetails,
  type StructuralSimilarityDetails,
} from './images/structural-similarity.ts';
export { multiscaleStructuralSimilarity, type MultiscaleOptions } from './images/multiscale-structural-similarity.ts';
export type { SsimDefaults, SsimOptions } from './images/ssim-options.ts';
export {
  frechetDistance,
  frechetDistanceInWorker,
  frechetDistanceOfFeatures,
} from './distributions/frechet-distance.ts';
export { FeatureStatistics, type FeatureStatisticsJson } from './distributions/feature-statistics.ts';
export type { Moments } from './distributions/moments.ts';
export type { FeatureMatrix, Features } from './linalg/feature-matrix.ts';
export { MetricError } from './errors.ts';
export { encodeMoments, loadMoments, saveMoments } from './distributions/moments.ts';
export {
  frechetDistanceInfinity,
  type InfinityOptions,
  type InfinityResult,
} from './distributions/frechet-distance-infinity.ts';
export {
  kernelInceptionDistance,
  type KidOptions,
  type MeanAndStd,
} from './distributions/kernel-inception-distance.ts';
export { numpyRandomState, type Shuffler } from './distributions/numpy-random-state.ts';
export { cmmd, maximumMeanDiscrepancy, type MmdOptions } from './distributions/maximum-mean-discrepancy.ts';
export type { KernelOptions } from './distributions/kernels.ts';
export { inceptionScore, type InceptionScoreOptions } from './distributions/inception-score.ts';
export {
  precisionRecall,
  type PrecisionRecall,
  type PrecisionRecallOptions,
} from './distributions/precision-recall.ts';
export { psnr } from './tensors/psnr.ts';
export { ssim } from './tensors/ssim.ts';
export { msSsim } from './tensors/ms-ssim.ts';
export { LPIPS, type LpipsInput, type LpipsOptions, type LpipsWeights } from './lpips/lpips.ts';
export { DISTS, type DistsWeights } from './dists/dists.ts';
export { createTrunk, type Pool, type Trunk, type TrunkName } from './networks/trunks.ts';
export {
  fidInceptionWeights,
  InceptionV3,
  type InceptionInput,
  type InceptionOptions,
  type InceptionTap,
} from './networks/inception.ts';
export type { ResizeMode } from './networks/resize.ts';
export type { FeatureExtractor, UpdateOptions } from './distributions/feature-extractor.ts';
export { FeatureList } from './distributions/feature-list.ts';
export {
  FrechetInceptionDistance,
  type DistanceOptions,
  type FrechetOptions,
} from './distributions/frechet-inception-distance.ts';
export { KernelInceptionDistance } from './distributions/kernel-inception-metric.ts';
export {
  perceptionDistortion,
  type PerceptionDistortionPoint,
  type PlacedPoint,
} from './images/perception-distortion.ts';
