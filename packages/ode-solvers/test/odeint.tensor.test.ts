import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { integrate, initialMotion, odeint, secondOrder } from '../src/index.ts';

describe('odeint', () => {
  it.each(['euler', 'midpoint', 'heun2', 'heun3', 'ralston', 'rk4', 'rk4_classic'] as const)('%s', (method) => {
    const y0 = tf.tensor1d([1, 2]);
    const { ts, ys } = odeint((_t, y: tf.Tensor) => tf.neg(y), y0, [0, 0.5, 1], { method, stepSize: 0.01 });
    expect(ts).toEqual([0, 0.5, 1]);
    expect(ys).toBeAllClose([1, 2, Math.exp(-0.5), 2 * Math.exp(-0.5), Math.exp(-1), 2 * Math.exp(-1)], { rtol: 6e-3 });
  });
  it.each(['dopri5', 'tsit5', 'dopri8', 'bosh3', 'adaptive_heun', 'kvaerno3'] as const)('%s', (method) => {
    const y0 = tf.tensor1d([1, 2]);
    const a = tf.scalar(-1);
    const run = (y: tf.Tensor, k: tf.Tensor) =>
      odeint((_t, y: tf.Tensor) => tf.mul(k, y), y, [0, 0.5, 1], { method, rtol: 1e-4, atol: 1e-5 }).ys;
    const { ts, ys } = odeint((_t, y: tf.Tensor) => tf.mul(a, y), y0, [0, 0.5, 1], { method, rtol: 1e-4, atol: 1e-5 });
    expect(ts).toEqual([0, 0.5, 1]);
    expect(ys).toBeAllClose([1, 2, Math.exp(-0.5), 2 * Math.exp(-0.5), Math.exp(-1), 2 * Math.exp(-1)], { rtol: 2e-3 });
    const [gy, ga] = tf.grads((y, k) => tf.sum(tf.slice(run(y, k), [2, 0])))([y0, a]);
    expect(gy).toBeAllClose([Math.exp(-1), Math.exp(-1)], { rtol: 1e-3 });
    expect(ga).toBeAllClose(3 * Math.exp(-1), { rtol: 1e-3 });
  });
  it('second order', async () => {
    const f = secondOrder((_t, x: tf.Tensor) => tf.neg(x));
    const y0 = initialMotion(tf.scalar(1), tf.scalar(0.5));
    for (const method of ['leapfrog', 'rk4'] as const) {
      const { y } = integrate(f, y0, 0, 1, { method, stepSize: 0.01 });
      expect(y.x).toBeAllClose(Math.cos(1) + 0.5 * Math.sin(1), { rtol: 1e-4 });
      expect(y.v).toBeAllClose(-Math.sin(1) + 0.5 * Math.cos(1), { rtol: 1e-4 });
    }
    await expect(() => tf.dispose(integrate(f, y0, 0, 1, { method: 'rk4', stepSize: 0.3 }).y)).toLeakNoTensors();
    await expect(() => tf.dispose(integrate(f, y0, 0, 1, { method: 'leapfrog', stepSize: 0.3 }).y)).toLeakNoTensors();
    await expect(() => odeint(f, y0, [0, 0.3, 1], { method: 'dopri5', rtol: 1e-4 }).ys.x.dispose()).toLeakNoTensors(1);
  });
});
