import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { adjoint, initialMotion, odeint, secondOrder, type SolverStats } from '../src/index.ts';

const decay = (_t: number, y: tf.Tensor): tf.Tensor => tf.neg(y);

describe('independent', () => {
  it('takes tolerances by sample, by component and for all', async () => {
    const y0 = tf.tensor2d([[1, 2], [1, 2]]); // prettier-ignore
    const bySample = tf.tensor2d([[1e-6], [1e-2]]);
    const nfe = (rtol: number | tf.Tensor) =>
      odeint(decay, y0, [0, 1], { independent: true, rtol, atol: 1e-6 }).stats.nfe;
    expect(2 * nfe(bySample)).toBe(nfe(1e-6) + nfe(1e-2));
    // One for each component, which no sample has for itself.
    expect(nfe(tf.tensor1d([1e-6, 1e-6]))).toBe(nfe(1e-6));
    const tree = { y: y0 };
    const options = { independent: true, rtol: { y: bySample }, atol: 1e-6 } as const;
    const run = () => odeint((_t, { y }: typeof tree) => ({ y: tf.neg<tf.Tensor2D>(y) }), tree, [0, 1], options);
    expect(run().stats.nfe).toBe(nfe(bySample));
    await expect(() => run().ys.y.dispose()).toLeakNoTensors();
    expect(bySample.isDisposed).toBe(false);
    const bad = () => nfe(tf.tensor2d([[1e-6], [1e-2], [1]]));
    expect(bad).toThrow(expect.objectContaining({ code: 'ODE_TOLERANCE' }));
  });

  it('counts products with Jacobians and the way back', () => {
    const y0 = tf.ones([2, 1]);
    const options = { independent: true, rtol: 1e-2, atol: 1e-2 } as const;
    expect(odeint(decay, y0, [0, 1], { ...options, method: 'kvaerno3' }).stats.njev).toBeGreaterThan(0);
    let stats: SolverStats | undefined;
    const grad = tf.grad((y) => {
      const solution = odeint(decay, y, [0, 1], { ...options, method: 'rk4', rtol: 1e-3, gradient: adjoint() });
      ({ stats } = solution);
      expect(stats.backward).toBeUndefined();
      return tf.sum(solution.ys);
    });
    expect(grad(y0)).toBeAllClose([1.375, 1.375], { rtol: 2e-2 });
    expect(stats!.backward).toMatchObject({ steps: 2, accepted: 2, rejected: 0 });
  });

  it.each(['rk4', 'leapfrog'] as const)('%s: gives accelerations the index of the item', (method) => {
    const f = secondOrder((_t, x: tf.Tensor, ...[, item]: [tf.Tensor, number?]) => tf.fill(x.shape, item!));
    const { ys } = odeint(f, initialMotion(tf.zeros([3, 1])), [0, 2], { method, independent: true });
    expect(tf.slice(ys.x, [1, 0, 0])).toBeAllClose([0, 2, 4]);
  });
});
