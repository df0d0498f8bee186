import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { checkpointed, integrate, odeint, odeintAsync, type StepInfo } from '../src/index.ts';
import { allGradients } from './all-gradients.ts';

const all: typeof allGradients = [
  ...allGradients,
  ['checkpointed with snapshots', () => checkpointed({ snapshots: 2 })],
];

/** y' = -y up to a time, and NaN after it. */
const until = (end: number) => (t: number, y: tf.Tensor) => (t > end ? tf.mul(y, NaN) : tf.neg(y));

describe('NaN on a fixed grid, with `throw: false`', () => {
  const options = { method: 'rk4', throw: false } as const;

  it('ends at the last good state, with dense output and steps up to there', async () => {
    const y0 = tf.tensor1d([1, 2]);
    const run = () => odeint(until(0.55), y0, [0, 1], { ...options, stepSize: 0.1, dense: true });
    const { ts, ys, status, stats, dense } = run();
    expect(status).toBe('nonFinite');
    expect(ts).toBeAllClose([0, 0.5], { rtol: 1e-12 });
    expect(ys).toBeAllClose([1, 2, Math.exp(-0.5), 2 * Math.exp(-0.5)], { rtol: 1e-5 });
    expect(stats.accepted).toBe(5);
    expect(dense!.t1).toBe(ts[1]);
    expect(dense!.evaluate(0.45)).toBeAllClose([Math.exp(-0.45), 2 * Math.exp(-0.45)], { rtol: 1e-4 });
    expect(() => dense!.evaluate(0.6)).toThrow(expect.objectContaining({ code: 'ODE_TIMES' }));
    const end = integrate(until(0.55), y0, 0, 1, { ...options, stepSize: 0.1 });
    expect(end.t).toBe(ts[1]);
    expect(end.y).toBeAllClose([Math.exp(-0.5), 2 * Math.exp(-0.5)], { rtol: 1e-5 });
    await expect(() => {
      const again = run();
      again.dense!.dispose();
      again.ys.dispose();
    }).toLeakNoTensors();
    await expect(async () => (await odeintAsync(until(0.55), y0, [0, 1], options)).ys.dispose()).toLeakNoTensors();
  });

  it('tells of each step once', () => {
    const seen: number[] = [];
    const onStep = ({ t }: StepInfo) => void seen.push(t);
    odeint(until(0.55), tf.scalar(1), [0, 1], { ...options, stepSize: 0.25, onStep });
    expect(seen).toEqual([0, 0.25, 0.5, 0.75]);
  });

  it.each(all)('%s: has the gradient of the good rows', async (_name, gradient) => {
    const loss = (y: tf.Tensor) => {
      const { ys, ts } = odeint(until(1.2), y, [0, 0.5, 1, 1.5, 2], { ...options, gradient: gradient() });
      expect(ts).toEqual([0, 0.5, 1]);
      return tf.sum(ys);
    };
    const y0 = tf.scalar(1);
    const expected = 1 + Math.exp(-0.5) + Math.exp(-1);
    expect(tf.grad((y) => loss(y))(y0)).toBeAllClose(expected, { rtol: 2e-3 });
    await expect(() =>
      tf
        .grad((y) => loss(y))(y0)
        .dispose(),
    ).toLeakNoTensors();
    // All of its steps are NaN.
    const none = (y: tf.Tensor) => odeint(until(-1), y, [0, 1], { ...options, gradient: gradient() }).ys;
    expect(tf.grad((y) => none(y))(y0)).toBeAllClose(1);
  });

  it('is no matter of the events that are NaN with it', () => {
    const fn = (_t: number, y: tf.Tensor) => tf.sub(y, 0.9);
    for (const terminal of [true, false]) {
      const events = [{ fn: (t: number, y: tf.Tensor) => tf.add(fn(t, y), terminal ? 1 : 0), terminal }];
      const found = odeint(until(0.5), tf.scalar(1), [0, 0.25, 0.5, 0.75, 1], { ...options, events });
      expect(found.status).toBe('nonFinite');
      expect(found.ts).toEqual([0, 0.25, 0.5]);
      expect(found.events.map(({ t }) => t)).toBeAllClose(terminal ? [] : [-Math.log(0.9)], { rtol: 1e-3 });
    }
    const bad = () => odeint(until(5), tf.scalar(1), [0, 1], { ...options, events: [{ fn: () => NaN }] });
    expect(bad).toThrow(expect.objectContaining({ code: 'ODE_EVENT' }));
  });
});
