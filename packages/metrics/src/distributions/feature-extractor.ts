import type { Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';

/**
 * What turns pictures into features. `name` says whose features they are, and ends up in the names of the numbers made from them.
 *
 * `extract` takes [n, height, width, channels], int32 in 0 .. 255 or float32 in [0, 1], and gives [n, features], which the
 * caller disposes; it may take its time, for example in another process.
 */
export interface FeatureExtractor {
  readonly name: string;
  extract(images: Tensor4D): Tensor2D | Promise<Tensor2D>;
}
