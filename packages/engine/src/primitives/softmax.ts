import * as tf from '@tensorflow/tfjs-core';
import { composedKernel } from '../composed-kernel.ts';

/**
 * exp(x - max) / Σ exp(x - max) over the last axis, of single operations. TensorFlow has two kernels of its softmax, one for
 * operations that are executed at once and one for graphs, whose results differ in the last digit.
 */
export const softmax = composedKernel<'logits', { dim: number }>('tensorflow', 'Softmax', ({ logits }, { dim }) => {
  const exponentials = tf.exp(tf.sub(logits, tf.max(logits, dim, true)));
  return tf.div(exponentials, tf.sum(exponentials, dim, true));
});
