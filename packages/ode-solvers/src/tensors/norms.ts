import * as tf from '@tensorflow/tfjs-core';
import type { Leaves } from './space.ts';

/** Root mean square of the entries of each leaf, the largest of the leaves; torchdiffeq's. */
export function rms(scaled: Leaves): tf.Tensor {
  return largest(scaled.map((leaf) => tf.sqrt(tf.mean(tf.square(leaf)))));
}

/**
 * The largest over the samples of a batch, along the first axis, of the root mean square of each sample: so every sample
 * meets the tolerance, and the step is that of the hardest, however many easy ones are beside it.
 */
export function perSample(scaled: Leaves): tf.Tensor {
  return largest(
    scaled.map((leaf) => {
      const axes = leaf.shape.map((_, axis) => axis).slice(1);
      return tf.sqrt(tf.max(axes.length === 0 ? tf.square(leaf) : tf.mean(tf.square(leaf), axes)));
    }),
  );
}

function largest(norms: tf.Tensor[]): tf.Tensor {
  return norms.length === 1 ? norms[0]! : tf.max(tf.stack(norms));
}
