import * as tf from '@tensorflow/tfjs-core';
import { vjp } from '@missing-u/autodiff';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  adjoint,
  checkpointed,
  coupled,
  direct,
  odeint,
  reversible,
  type Gradient,
  type OdeOptions,
} from '../src/index.ts';

/** A small field with a variable, a captured vector and a product in it. */
let w: tf.Variable<tf.Rank.R2>;
beforeAll(() => {
  w = tf.variable(tf.tensor2d([[-0.3, 1.1], [-0.9, -0.2]])); // prettier-ignore
  y0 = tf.tensor2d([[1, 0.5], [-0.4, 0.8]]); // prettier-ignore
  film = tf.tensor1d([0.3, -0.2]);
});
afterAll(() => w.dispose());

let y0: tf.Tensor2D;
let film: tf.Tensor1D;
const ts = [0, 0.4, 1];

/** Gradients of a loss on all outputs with respect to y0, the captured vector's source and the variable. */
function gradientsOf(gradient: Gradient, options: OdeOptions = {}): tf.Tensor[] {
  const loss = (y: tf.Tensor, s: tf.Tensor): tf.Tensor =>
    tf.tidy(() => {
      const shift = tf.square(s);
      const f = (t: number, { u }: { u: tf.Tensor }) => ({
        u: tf.add(tf.tanh(tf.matMul(u as tf.Tensor2D, w)), tf.mul(shift, Math.cos(t))),
      });
      const { ys } = odeint(f, { u: y }, ts, { rtol: 1e-6, atol: 1e-7, gradient, ...options });
      return tf.sum(tf.mul(ys.u, tf.reshape(tf.linspace(0.5, 1.5, 12), [3, 2, 2])));
    });
  return vjp((y: tf.Tensor, s: tf.Tensor, _w: tf.Tensor) => loss(y, s), [y0, film, w]);
}

describe('gradients', () => {
  const exact = () => gradientsOf(direct(), { rtol: 1e-7 });

  it.each([
    ['checkpointed', checkpointed(), {}],
    ['checkpointed in 2', checkpointed({ segments: 2 }), {}],
    ['adjoint', adjoint(), {}],
    ['adjoint, full norm', adjoint({ norm: 'full', rtol: 1e-5 }), {}],
    ['adjoint with rk4', adjoint({ method: 'rk4', stepSize: 0.05 }), {}],
    ['reversible', reversible(), {}],
    ['reversible rk4', reversible(), { method: 'rk4', stepSize: 0.05 }],
    ['direct tsit5', direct(), { method: 'tsit5' }],
    ['direct rk4', direct(), { method: 'rk4', stepSize: 0.05 }],
    ['checkpointed rk4', checkpointed(), { method: 'rk4', stepSize: 0.05 }],
    ['checkpointed kvaerno3', checkpointed(), { method: 'kvaerno3', rtol: 1e-4, atol: 1e-4 }],
    ['direct kvaerno3', direct(), { method: 'kvaerno3', rtol: 1e-4, atol: 1e-4 }],
  ] as [string, Gradient, OdeOptions][])('%s', (name, gradient, options) => {
    const [a, b] = [gradientsOf(gradient, options), exact()];
    a.forEach((g, i) =>
      expect(g).toBeAllClose(b[i]!, {
        rtol: name.includes('kvaerno') ? 3e-3 : 2e-5,
        atol: name.includes('kvaerno') ? 3e-3 : 2e-5,
      }),
    );
  });

  it.each([
    ['direct', direct()],
    ['checkpointed', checkpointed()],
    ['adjoint', adjoint()],
    ['reversible', reversible()],
  ] as [string, Gradient][])('%s leaves no tensor', async (_name, gradient) => {
    await expect(() => tf.dispose(gradientsOf(gradient, { rtol: 1e-3, atol: 1e-3 }))).toLeakNoTensors();
    await expect(() => tf.dispose(gradientsOf(gradient, { method: 'rk4' }))).toLeakNoTensors();
  });
  it('coupled direct = reversible', () => {
    const a = gradientsOf(direct(), { method: coupled('rk4'), stepSize: 0.1 });
    const b = gradientsOf(reversible(), { method: 'rk4', stepSize: 0.1 });
    a.forEach((g, i) => expect(g).toBeAllClose(b[i]!, { rtol: 1e-6, atol: 1e-6 }));
  });
});
