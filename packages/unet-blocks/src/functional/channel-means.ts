import * as tf from '@tensorflow/tfjs-core';

/** Mean over the pixels of each channel of each image: [N, H, W, C] to [N, 1, 1, C], by pooling (no transposition). */
export function pixelMeans(x: tf.Tensor4D): tf.Tensor4D {
  // The kernel by itself: `tf.avgPool` would also cast its result to the type that it has.
  const filterSize = [x.shape[1], x.shape[2]];
  return tf.engine().runKernel<tf.Tensor4D>('AvgPool', { x }, { filterSize, strides: 1, pad: 'valid' });
}

/** Sum over images and pixels of each channel: [N, H, W, C] to [1, 1, 1, C]. */
export function channelSums(x: tf.Tensor4D): tf.Tensor4D {
  const [, height, width] = x.shape;
  return tf.mul(tf.sum(pixelMeans(x), 0, true), height * width);
}
