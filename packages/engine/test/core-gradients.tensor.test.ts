/** Gradients in the place of those of tfjs-core that are wrong, against differences of the function itself. */
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';

/** The gradient of sum(f(x) * dy), which is linear in every single element of x, by differences. */
function differences(f: (x: tf.Tensor) => tf.Tensor, x: tf.Tensor, dy: tf.Tensor): tf.Tensor {
  const units = tf.unstack(tf.reshape(tf.eye(x.size), [x.size, ...x.shape]));
  const loss = (at: tf.Tensor) => tf.sum(tf.mul(f(at), dy));
  return tf.reshape(tf.stack(units.map((unit) => tf.sub(loss(tf.add(x, unit)), loss(x)))), x.shape);
}

const wave = (shape: number[], shift: number) =>
  tf.reshape(tf.sin(tf.add(tf.range(0, tf.util.sizeFromShape(shape)), shift)), shape);

const functions: Record<string, (x: tf.Tensor) => tf.Tensor> = {
  'mirrorPad, reflect': (x) => tf.mirrorPad(x, [[0, 0], [1, 0], [2, 3]], 'reflect'), // prettier-ignore
  'mirrorPad, symmetric': (x) => tf.mirrorPad(x, [[1, 2], [0, 0], [0, 4]], 'symmetric'), // prettier-ignore
  'cumsum along the first axis': (x) => tf.cumsum(x, 0),
  'cumsum along an inner axis, exclusive': (x) => tf.cumsum(x, 1, true),
  'cumsum along the last axis, from its end': (x) => tf.cumsum(x, 2, false, true),
  'cumsum along an axis counted from the last one': (x) => tf.cumsum(x, -2),
  'prod of all': (x) => tf.prod(x),
  'prod along an inner axis': (x) => tf.prod(x, 1),
  'prod along two axes, kept': (x) => tf.prod(x, [0, 2], true),
};

describe('the gradient of', () => {
  for (const [name, f] of Object.entries(functions)) {
    it(name, () => {
      tf.tidy(() => {
        const shape = [2, 3, 4];
        // With one zero, which products must not divide by.
        const x = tf.mul(
          tf.add(wave(shape, 1), 1.2),
          tf.reshape(tf.sub(1, tf.oneHot(tf.scalar(5, 'int32'), 24)), shape),
        );
        const dy = wave(f(x).shape, 0.5);
        expect(tf.grad(f)(x, dy)).toBeAllClose(differences(f, x, dy), { rtol: 1e-3, atol: 1e-3 });
      });
    });
  }
});
