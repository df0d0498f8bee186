import * as tf from '@tensorflow/tfjs-core';
import type { RangeOptions } from '../images/image.ts';
import { checkBatches } from './batch.ts';

/**
 * Peak signal to noise ratio of each pair of pictures in decibels; Infinity for equal ones.
 *
 * @param a pictures [images, height, width, channels], of any numbers that `dataRange` describes; as `b`.
 * @returns [images]
 */
export function psnr(a: tf.Tensor4D, b: tf.Tensor4D, options: RangeOptions): tf.Tensor1D {
  checkBatches(a, b, options);
  return tf.tidy(() => {
    const error = tf.mean<tf.Tensor1D>(tf.square(tf.sub(tf.cast(a, 'float32'), tf.cast(b, 'float32'))), [1, 2, 3]);
    return tf.mul(tf.log(tf.div(options.dataRange ** 2, error)), 10 / Math.LN10);
  });
}
