import * as tf from '@tensorflow/tfjs-core';

interface MirrorPadAttributes {
  paddings: [before: number, after: number][];
  mode: 'reflect' | 'symmetric';
}

/** The gradient of `tf.mirrorPad`. That of tfjs-core cuts off the borders, whose pixels are mirrored ones and count as well. */
export const mirrorPadGradient = (core: tf.GradConfig): tf.GradConfig => ({
  ...core,
  gradFunc: (dy, saved, attrs) => {
    const { paddings, mode } = attrs as unknown as MirrorPadAttributes;
    const { shape } = saved[0]!;
    return {
      x: () => shape.reduce((folded, size, axis) => fold(folded, axis, size, paddings[axis]!, mode), dy as tf.Tensor),
    };
  },
});

/** Folds the borders along an axis back on the `size` elements between them. */
function fold(
  dy: tf.Tensor,
  axis: number,
  size: number,
  [before, after]: [number, number],
  mode: 'reflect' | 'symmetric',
): tf.Tensor {
  if (before + after === 0) return dy;
  // What is mirrored at an edge begins with the element at it, or with the next one.
  const edge = mode === 'reflect' ? 1 : 0;
  const [left, inner, right] = tf.split(dy, [before, size, after], axis) as [tf.Tensor, tf.Tensor, tf.Tensor];
  const mirrored = (border: tf.Tensor, begin: number) => {
    const end = size - begin - border.shape[axis]!;
    const around = dy.shape.map((_, i): [number, number] => (i === axis ? [begin, end] : [0, 0]));
    return tf.pad(tf.reverse(border, axis), around);
  };
  return tf.addN([
    inner,
    ...(before === 0 ? [] : [mirrored(left, edge)]),
    ...(after === 0 ? [] : [mirrored(right, size - edge - after)]),
  ]);
}
