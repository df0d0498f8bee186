export { bm3d, bm3dAsync, type Bm3dAsyncOptions } from './bm3d/bm3d.ts';
export { estimateNoise, type Bm3dOptions } from './bm3d/prepare.ts';
export { profiles, type Bm3dParameters, type ProfileName, type StageParameters } from './bm3d/profiles.ts';
export type { TransformName } from './bm3d/transforms.ts';
export type { Picture, RasterImage } from './raster.ts';
export { DenoisersError } from './errors.ts';
export { DnCNN, type DnCNNOptions } from './nets/dncnn.ts';
export { ConvAutoencoder, type ConvAutoencoderOptions } from './nets/conv-autoencoder.ts';
export { samplePatches } from './patches.ts';
export { trainDenoiser, type TrainOptions, type TrainingStep } from './train.ts';
export { selfEnsemble } from './self-ensemble.ts';
export { tiledDenoiser, type TileOptions } from './tiled.ts';
export {
  bm3dDenoiser,
  diffusionDenoiser,
  type DenoiseOptions,
  type DiffusionModel,
  type DiffusionScheduler,
  type ImageDenoiser,
  type TrainableDenoiser,
} from './face.ts';
