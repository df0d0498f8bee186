import * as tf from '@tensorflow/tfjs-core';

/**
 * The gradient of `tf.prod`: for each element the product of those before and those after it, so that zeros do no harm. That
 * of tfjs-core calls methods of tensors that only tfjs' union package registers.
 */
export const prodGradient = (core: tf.GradConfig): tf.GradConfig => ({
  ...core,
  gradFunc: (dy, saved, attrs) => {
    const x = saved[0]!;
    const { axis } = attrs as { axis: number | number[] | null };
    const reduced = tf.util.parseAxisParam(axis as number[], x.shape);
    const kept = x.shape.map((_, i) => i).filter((i) => !reduced.includes(i));
    const order = [...kept, ...reduced];
    const permuted = order.map((i) => x.shape[i]!);
    const count = tf.util.sizeFromShape(kept.map((i) => x.shape[i]!));
    return {
      x: () => {
        const rows = tf.reshape(tf.transpose(x, order), [count, -1]);
        const others = tf.mul(tf.cumprod(rows, 1, true, false), tf.cumprod(rows, 1, true, true));
        const slopes = tf.reshape(tf.mul(others, tf.reshape(dy as tf.Tensor, [count, 1])), permuted);
        const back = x.shape.map((_, i) => order.indexOf(i));
        return tf.transpose(slopes, back);
      },
    };
  },
});
