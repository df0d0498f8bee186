export { UNetError } from './errors.ts';
export { classNameOf } from './class-name.ts';
export { Module, type InitializerRule, type ModuleMember, type NamedParameter } from './module.ts';
export { summary, type LayerSummary, type SummarizedModel, type Summary } from './summary.ts';
export { Parameter, type ParameterOptions } from './parameter.ts';
export type { LoadReport } from './state-dict.ts';
export { fanInUniform, normal, ones, varianceScaling, zeros, type Initializer } from './initializers.ts';
export { recordCalls, recorded, type LayerCall, type LayerVisitor } from './recorder.ts';
export {
  checkBoolean,
  checkChoice,
  checkGroups,
  checkInteger,
  checkOptionNames,
  checkOptionsObject,
  checkSample,
  checkWeightOptions,
  timestepTensor,
  type Timesteps,
} from './checks.ts';
export { activation, activationNames, gelu, silu, type ActivationName } from './functional/activations.ts';
export { attend } from './functional/attention.ts';
export { convolve, type FusedActivation } from './functional/convolve.ts';
export { groupNormalize } from './functional/group-normalize.ts';
export { hasVelocityAcceleration, velocityAcceleration, type Unbiased } from './functional/velocity-acceleration.ts';
export {
  doubleBilinear,
  doubleNearest,
  doubleSmooth,
  halveByMean,
  halveSmooth,
  pixelUnshuffle,
  type Boundary,
} from './functional/resample.ts';
export {
  AdaptiveGroupNorm,
  AdaptiveResidualBlock,
  type AdaptiveResidualBlockOptions,
} from './layers/adaptive-residual-block.ts';
export { AttentionBlock, type AttentionBlockOptions } from './layers/attention-block.ts';
export { Conv2d, type Conv2dOptions } from './layers/conv2d.ts';
export { Film, splitModulation, type FilmOptions } from './layers/film.ts';
export { Dropout } from './layers/dropout.ts';
export { Embedding } from './layers/embedding.ts';
export { LinearAttention } from './layers/linear-attention.ts';
export { Linear, type LinearOptions } from './layers/linear.ts';
export { ModulatedResidualBlock, type ModulatedResidualBlockOptions } from './layers/modulated-residual-block.ts';
export {
  GroupNorm,
  InstanceNorm,
  modulated,
  RMSNorm,
  type Affine,
  type GroupNormOptions,
  type Modulation,
} from './layers/norms.ts';
export { ResidualBlock, type ResidualBlockOptions } from './layers/residual-block.ts';
export {
  DownsampleConv,
  NearestUpsample,
  UnshuffleDownsample,
  UpsampleConv,
  UpsampleTransposed,
  type UpsampleConvOptions,
} from './layers/samplers.ts';
export { SpatialAttention, type SpatialAttentionOptions } from './layers/spatial-attention.ts';
export { RandomSinusoids, sinusoidalEmbedding, type SinusoidalOptions } from './layers/time-embedding.ts';
export { LucidrainsUNet, type LucidrainsOptions } from './nets/lucidrains.ts';
export { hoInitializers } from './nets/ho.ts';
export {
  UNet,
  unetPresets,
  type UNetCondition,
  type UNetConfig,
  type UNetOptions,
  type UNetPreset,
} from './nets/unet.ts';
export { UNet2DModel, type Condition, type WeightOptions } from './nets/unet-2d/unet-2d-model.ts';
export type { UNet2DConfig, UNet2DOptions } from './nets/unet-2d/config.ts';
export { FourierProjection, TimestepEmbedding } from './nets/unet-2d/conditioning.ts';
export { downBlockTypes } from './nets/unet-2d/down-blocks.ts';
export { upBlockTypes } from './nets/unet-2d/up-blocks.ts';
export type { PretrainedOptions, SaveOptions } from './nets/unet-2d/pretrained.ts';
export {
  fromFunction,
  fromLayersModel,
  type Denoiser,
  type LayersModelLike,
  type TrainableDenoiser,
} from './adapters/denoiser.ts';
