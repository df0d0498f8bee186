export { UNetError } from './errors.ts';
export { Module, type ModuleMember, type NamedParameter } from './module.ts';
export { Parameter, type ParameterOptions } from './parameter.ts';
export type { LoadReport } from './state-dict.ts';
export { fanInUniform, normal, ones, varianceScaling, zeros, type Initializer } from './initializers.ts';
export { recordCalls, recorded, type LayerCall } from './recorder.ts';
export {
  checkChoice,
  checkGroups,
  checkInteger,
  checkOptionNames,
  checkSample,
  timestepTensor,
  type Timesteps,
} from './checks.ts';
export { activation, activationNames, gelu, silu, type ActivationName } from './functional/activations.ts';
export { attend } from './functional/attention.ts';
export { convolve } from './functional/convolve.ts';
export { groupNormalize } from './functional/group-normalize.ts';
export { doubleBilinear, doubleNearest, halveByMean } from './functional/resample.ts';
export { Conv2d, type Conv2dOptions } from './layers/conv2d.ts';
export { Film, splitModulation, type FilmOptions } from './layers/film.ts';
export { Linear, type LinearOptions } from './layers/linear.ts';
export {
  GroupNorm,
  InstanceNorm,
  RMSNorm,
  type Affine,
  type GroupNormOptions,
  type Modulation,
} from './layers/norms.ts';
export { SpatialAttention, type SpatialAttentionOptions } from './layers/spatial-attention.ts';
export { sinusoidalEmbedding, type SinusoidalOptions } from './layers/time-embedding.ts';
