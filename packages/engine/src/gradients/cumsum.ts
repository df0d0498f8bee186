import * as tf from '@tensorflow/tfjs-core';

/** The gradient of `tf.cumsum`: the sums from the other end. That of tfjs-core mixes up the axes unless the last one is summed. */
export const cumsumGradient = (core: tf.GradConfig): tf.GradConfig => ({
  ...core,
  gradFunc: (dy, _saved, attrs) => {
    const { axis, exclusive, reverse } = attrs as { axis: number; exclusive: boolean; reverse: boolean };
    return { x: () => tf.cumsum(dy as tf.Tensor, axis, exclusive, !reverse) };
  },
});
