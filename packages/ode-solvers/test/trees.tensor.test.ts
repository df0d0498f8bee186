import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { adjoint, integrate, odeint, secondOrder, type Motion } from '../src/index.ts';

const cos = Math.cos(1);
const sin = Math.sin(1);

describe('trees whose keys come in another order', () => {
  const motion = (): Motion => ({ x: tf.tensor1d([1]), v: tf.tensor1d([0]) });

  it('are slopes by name', () => {
    const oscillator = (_t: number, { x, v }: Motion): Motion => ({ v: tf.neg(x), x: v });
    for (const method of ['rk4', 'kvaerno3'] as const) {
      const steps = method === 'rk4' ? { stepSize: 0.1 } : { rtol: 1e-4, atol: 1e-4 };
      const { y } = integrate(oscillator, motion(), 0, 1, { method, ...steps });
      expect(y.x).toBeAllClose([cos], { atol: 2e-3 });
      expect(y.v).toBeAllClose([-sin], { atol: 2e-3 });
    }
    const loss = (x: tf.Tensor) => {
      const options = { method: 'rk4', stepSize: 0.1, gradient: adjoint() } as const;
      return tf.sum(integrate(oscillator, { ...motion(), x }, 0, 1, options).y.v);
    };
    expect(tf.grad((x) => loss(x))(tf.tensor1d([1]))).toBeAllClose([-sin], { atol: 1e-3 });
  });

  it('are accelerations by name, of a state with keys in any order', () => {
    type Pair = { p: tf.Tensor; q: tf.Tensor };
    // p swings, q is at rest in a constant field.
    const f = secondOrder((_t, { p, q }: Pair): Pair => ({ q: tf.onesLike(q), p: tf.neg(p) }));
    const zeros = () => tf.zeros([1]);
    const states: Motion<Pair>[] = [
      { x: { p: tf.ones([1]), q: zeros() }, v: { p: zeros(), q: zeros() } },
      { v: { q: zeros(), p: zeros() }, x: { p: tf.ones([1]), q: zeros() } },
    ];
    for (const method of ['rk4', 'leapfrog'] as const) {
      for (const state of states) {
        const { x, v } = integrate(f, state, 0, 1, { method, stepSize: 0.05 }).y;
        const ends = [x.p, x.q, v.p, v.q].map((leaf) => leaf.dataSync()[0]!);
        expect(ends).toBeAllClose([cos, 0.5, -sin, 1], { atol: 1e-3 });
      }
    }
  });

  it('are outputs and tolerances by name', () => {
    const y0 = { a: tf.scalar(1), b: tf.scalar(2) };
    const f = (_t: number, { a, b }: typeof y0) => ({ a: tf.zerosLike(a), b: tf.zerosLike(b) });
    const outputFn = (t: number, { a, b }: typeof y0) => (t === 0 ? { a, b } : { b, a });
    const { ys } = odeint(f, y0, [0, 1], { outputFn, rtol: { b: 1e-3, a: 1e-3 } });
    expect(ys.a).toBeAllClose([1, 1]);
    expect(ys.b).toBeAllClose([2, 2]);
    const items: { a: tf.Tensor; b: tf.Tensor } = { a: tf.tensor1d([1, 3]), b: tf.fill([2], 2) };
    const turned = (_t: number, y: typeof items) => (y.a.dataSync()[0]! > 1 ? { b: y.b, a: y.a } : y);
    const still = (_t: number, y: typeof items) => ({ a: tf.zerosLike(y.a), b: tf.zerosLike(y.b) });
    const options = { outputFn: turned, independent: true, method: 'euler' } as const;
    expect(odeint(still, items, [0, 1], options).ys.b).toBeAllClose(tf.fill([2, 2], 2));
  });
});

describe('outputFn', () => {
  it('has to return one structure', () => {
    const outputFn = (t: number, y: tf.Tensor) => (t === 0 ? { y } : { y, more: y }) as { y: tf.Tensor };
    const run = () => odeint((_t, y: tf.Tensor) => y, tf.scalar(1), [0, 1], { method: 'euler', outputFn });
    expect(run).toThrow(expect.objectContaining({ code: 'ODE_OUTPUT_STRUCTURE' }));
    expect(run).toThrow('state 1 `.more` is too many');
  });
});
