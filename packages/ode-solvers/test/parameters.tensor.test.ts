import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { allGradients } from './all-gradients.ts';
import { integrate, odeint } from '../src/index.ts';

describe('parameters', () => {
  it.each(allGradients)(
    '%s: one that f never uses has the gradient 0, of tf.grads as well',
    async (_name, gradient) => {
      const [y0, w, b] = [tf.tensor1d([1, 2]), tf.scalar(3), tf.variable(tf.scalar(1))];
      const options = { method: 'rk4', gradient: gradient(), parameters: [w, b] } as const;
      const f = (_t: number, y: tf.Tensor) => tf.neg(y);
      const loss = (y: tf.Tensor, _w: tf.Tensor, _b: tf.Tensor) => tf.sum(odeint(f, y, [0, 1], options).ys);
      const run = () => tf.grads(loss)([y0, w, b]);
      expect(run()[0]!).toBeAllClose([1.375, 1.375], { rtol: 1e-4 });
      expect(run()[1]!).toBeAllClose(0);
      expect(run()[2]!).toBeAllClose(0);
      await expect(() => tf.dispose(run())).toLeakNoTensors();
      b.dispose();
    },
  );

  it.each(allGradients)('%s: one that f uses keeps its gradient, and its second derivative', (_name, gradient) => {
    const w = tf.scalar(0.5);
    const end = (v: tf.Tensor) => {
      const options = { method: 'rk4', stepSize: 0.1, gradient: gradient(), parameters: [v] } as const;
      return integrate((_t, y: tf.Tensor) => tf.mul(v, y), tf.scalar(1), 0, 1, options).y;
    };
    expect(tf.grad((v) => end(v))(w)).toBeAllClose(Math.exp(0.5), { rtol: 1e-4 });
    expect(tf.grad((v) => tf.grad((u) => end(u))(v))(w)).toBeAllClose(Math.exp(0.5), { rtol: 1e-4 });
  });
});
