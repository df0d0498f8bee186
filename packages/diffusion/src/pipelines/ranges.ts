import * as tf from '@tensorflow/tfjs-core';

/** [-1, 1], in which models work, to [0, 1], clamped, in which diffusers' pipelines return images. */
export function toUnitRange(images: tf.Tensor4D): tf.Tensor4D {
  return tf.tidy(() => tf.clipByValue(tf.add(tf.mul(images, 0.5), 0.5), 0, 1));
}

/** [0, 1] to [-1, 1]. */
export function toModelRange(images: tf.Tensor4D): tf.Tensor4D {
  return tf.tidy(() => tf.sub(tf.mul(images, 2), 1));
}
