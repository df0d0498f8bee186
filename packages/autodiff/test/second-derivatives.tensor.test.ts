import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { checkpoint, isTaping, jvp, vjp } from '../src/index.ts';

const functions: Record<string, (x: tf.Tensor) => tf.Tensor> = {
  exp: tf.exp,
  tanh: tf.tanh,
  sigmoid: tf.sigmoid,
  softplus: tf.softplus,
  sin: tf.sin,
  sqrt: (x) => tf.sqrt(tf.add(x, 3)),
  rsqrt: (x) => tf.rsqrt(tf.add(x, 3)),
  reciprocal: (x) => tf.div(1, tf.add(x, 3)),
  'x sigmoid x': (x) => tf.mul(x, tf.sigmoid(x)),
  softmax: (x) => tf.softmax(x),
  moments: (x) => tf.div(tf.sub(x, tf.mean(x)), tf.sqrt(tf.add(tf.moments(x).variance, 1))),
};
const [x, v] = [
  [-0.8, 0.3, 1.4, 0.9],
  [1, -0.5, 0.25, 2],
];

// TensorFlow.js alone loses the part that goes through a result that an operation saved.
describe.each(Object.entries(functions))('the second derivative of %s', (_name, f) => {
  /** Contracted with fixed weights, so that all entries of the Hessian count. */
  const scalar = (y: tf.Tensor) => tf.sum(tf.mul(f(y), tf.range(1, f(y).size + 1)));
  const slope = (at: number[]) => vjp(scalar, tf.tensor1d(at)).dataSync<'float32'>();
  const h = 1e-2;
  const along = (k: number) => slope(x.map((value, i) => value + k * h * v[i]!));

  /** H v by differences of first derivatives, of fourth order. */
  const expected = () => {
    const [a, b, c, d] = [along(-2), along(-1), along(1), along(2)];
    return a.map((value, i) => (value - 8 * b[i]! + 8 * c[i]! - d[i]!) / (12 * h));
  };
  const products: Record<string, (y: tf.Tensor1D, w: tf.Tensor1D) => tf.Tensor> = {
    'vjp of vjp': (y, w) => vjp((z: tf.Tensor) => vjp(scalar, z), y, w),
    'vjp of vjp of a checkpoint': (y, w) =>
      vjp((z: tf.Tensor) => vjp((u: tf.Tensor) => checkpoint(scalar, u), z), y, w),
    'vjp within a checkpoint': (y, w) => vjp((z: tf.Tensor) => checkpoint((u: tf.Tensor) => vjp(scalar, u), z), y, w),
    'jvp of vjp': (y, w) => jvp((z: tf.Tensor) => vjp(scalar, z), y, w),
    'vjp of jvp': (y, w) => vjp((z: tf.Tensor) => jvp(scalar, z, w), y),
    'tf.grad of tf.grad': (y, w) => tf.grad((z) => tf.sum(tf.mul(tf.grad(scalar)(z), w)))(y),
    'vjp in tf.grad': (y, w) => tf.grad((z) => tf.sum(tf.mul(vjp(scalar, z), w)))(y),
    'tf.grad in vjp': (y, w) => vjp((z: tf.Tensor) => tf.grad(scalar)(z), y, w),
  };

  it.each(Object.keys(products))('by %s', (name) => {
    expect(isTaping()).toBe(false);
    const product = products[name]!(tf.tensor1d(x), tf.tensor1d(v));
    expect(product).toBeAllClose(expected(), { rtol: 2e-3, atol: 2e-3 });
  });
});

it('of the third order, through a saved result each time: tanh, at 0.4', () => {
  const t = Math.tanh(0.4);
  const third = vjp((a: tf.Tensor) => vjp((b: tf.Tensor) => vjp((c: tf.Tensor) => tf.tanh(c), b), a), tf.scalar(0.4));
  // tanh''' = (6 tanh² - 2)(1 - tanh²).
  expect(third).toBeAllClose((6 * t ** 2 - 2) * (1 - t ** 2), { rtol: 1e-4 });
});

const twice = (f: (x: tf.Tensor) => tf.Tensor) => vjp((y: tf.Tensor) => vjp((z: tf.Tensor) => f(z), y), tf.scalar(-1));

it('is refused where TensorFlow.js has none', () => {
  expect(() => twice(tf.elu)).toThrow(
    expect.objectContaining({ code: 'AUTODIFF_OPERATION', message: expect.stringContaining('EluGrad') as string }),
  );
});

it('passes by the comparisons in a gradient', () => {
  expect(twice((z) => tf.max(tf.square(z)))).toBeAllClose(2);
});
