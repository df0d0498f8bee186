import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { allGradients } from './all-gradients.ts';
import { initialMotion, integrate, odeint, secondOrder, type Motion } from '../src/index.ts';

describe('events on a grid', () => {
  it.each(['rk4', 'euler', 'leapfrog'] as const)('are found by the interpolant of %s', async (method) => {
    const free = secondOrder((_t, x: tf.Tensor) => tf.zerosLike(x));
    const y0 = initialMotion(tf.scalar(0), tf.scalar(1));
    const events = [0.3, 0.7].map((at) => ({ fn: (_t: number, { x }: Motion) => tf.sub(x, at), terminal: false }));
    const run = () => odeint(free, y0, [0, 1], { method, events });
    expect(run().events.map(({ t }) => t)).toBeAllClose([0.3, 0.7]);
    await expect(() => {
      const solution = run();
      tf.dispose(solution.ys);
      for (const { time, y } of solution.events) tf.dispose([time, y.x, y.v]);
    }).toLeakNoTensors();
  });
});

describe('the end of a solve at an event', () => {
  type State = { x: tf.Tensor; s: tf.Tensor };
  const f = (_t: number, { x, s }: State): State => ({ x: tf.neg(x), s: tf.onesLike(s) });
  const events = [{ fn: (_t: number, { x }: State) => tf.sub(x, 0.5) }];

  it.each(allGradients)('%s: has the gradient of its time in every form', async (_name, gradient) => {
    // x ends at 0.5 after ln(2 x0), and s with it: ds/dx0 = 1/x0.
    const options = { rtol: 1e-5, atol: 1e-6, gradient: gradient(), events };
    const start = (x: tf.Tensor): State => ({ x, s: tf.zerosLike(x) });
    const ends: ((x: tf.Tensor) => State)[] = [
      (x) => integrate(f, start(x), 0, 5, options).y,
      (x) => {
        const { ys } = odeint(f, start(x), [0, 5], { ...options, output: 'end' });
        return { x: tf.squeeze(ys.x, [0]), s: tf.squeeze(ys.s, [0]) };
      },
      (x) => odeint(f, start(x), [0, 5], options).events[0]!.y,
    ];
    const x0 = tf.scalar(2);
    for (const end of ends) {
      expect(tf.grad((x) => end(x).s)(x0)).toBeAllClose(0.5, { rtol: 1e-3 });
      expect(tf.grad((x) => end(x).x)(x0)).toBeAllClose(0, { atol: 1e-3 });
      await expect(() =>
        tf
          .grad((x) => end(x).s)(x0)
          .dispose(),
      ).toLeakNoTensors();
    }
  });
});
