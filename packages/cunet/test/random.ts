import * as tf from '@tensorflow/tfjs-core';
import { createGenerator } from '@missing-u/random';

/** Standard normal numbers of a shape. */
export function random<R extends tf.Rank>(shape: tf.ShapeMap[R], seed = 1): tf.Tensor<R> {
  const size = shape.reduce((a, b) => a * b, 1);
  return tf.tensor<R>(createGenerator(seed).fillNormal(new Float32Array(size)), shape);
}
