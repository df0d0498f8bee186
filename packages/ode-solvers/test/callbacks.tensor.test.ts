import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { odeint, odeintAsync, reversible, type OdeOptions, type OutputOptions } from '../src/index.ts';

type Options = OdeOptions<tf.Tensor> & OutputOptions<tf.Tensor, tf.Tensor>;

const decay = (_t: number, y: tf.Tensor): tf.Tensor => tf.neg(y);

/** A function that fails at its nth call. */
function failing<A extends unknown[], R>(n: number, run: (...args: A) => R): (...args: A) => R {
  let calls = 0;
  return (...args) => {
    if (++calls === n) throw new Error('half-way');
    return run(...args);
  };
}

describe('a callback that throws leaves no tensor behind', () => {
  const cases: [string, () => Options][] = [
    ['onStep', () => ({ onStep: failing(2, () => undefined) })],
    ['outputFn', () => ({ outputFn: failing(2, (_t, y) => tf.square(y)), dense: true })],
    ['outputFn with a wrong value', () => ({ outputFn: () => 3 as never })],
    [
      'outputFn beside events',
      () => ({ outputFn: () => 3 as never, events: [{ fn: () => 1 }, { fn: (t) => t - 0.5 }] }),
    ],
    ['an event', () => ({ events: [{ fn: failing(3, (t) => t - 0.7) }] })],
  ];

  it.each(cases)('%s', async (_name, options) => {
    const y0 = tf.tensor1d([1, 2]);
    for (const method of [{ method: 'rk4' }, { rtol: 1e-3 }, { method: 'tsit5', rtol: 1e-3 }] as const) {
      await expect(() =>
        expect(() => odeint(decay, y0, [0, 0.5, 1], { ...method, ...options() })).toThrow(),
      ).toLeakNoTensors();
      await expect(async () => {
        await expect(odeintAsync(decay, y0, [0, 0.5, 1], { ...method, ...options() })).rejects.toThrow();
      }).toLeakNoTensors();
    }
  });

  it.each([1, 2, 3, 4])('a norm, and f of a reversible solve, at call %i', async (n) => {
    const y0 = tf.tensor1d([1, 2]);
    await expect(() => {
      const norm = failing(n, (y: tf.Tensor) => tf.max(tf.abs(y)));
      expect(() => odeint(decay, y0, [0, 1], { norm, rtol: 1e-3 })).toThrow('half-way');
    }).toLeakNoTensors();
    await expect(() => {
      const options = { gradient: reversible(), rtol: 1e-3 };
      expect(() => odeint(failing(n, decay), y0, [0, 1], options)).toThrow('half-way');
    }).toLeakNoTensors();
  });
});
