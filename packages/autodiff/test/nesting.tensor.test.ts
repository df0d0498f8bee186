import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { checkpoint, gradCheck, jvp, stopGradient, valueAndVjp, vjp } from '../src/index.ts';

/** x³ and its derivatives at 2. */
const cube = (x: tf.Tensor): tf.Tensor => tf.mul(tf.mul(x, x), x);
const [at, first, second] = [2, 12, 12];

/** Each function of the package computing x³ or its derivative 3x², both as a function of x. */
const values: Record<string, (x: tf.Tensor) => tf.Tensor> = {
  plain: cube,
  checkpoint: (x) => checkpoint(cube, x),
  'checkpoint by closure': (x) => checkpoint(() => cube(x)),
  'the value of valueAndVjp': (x) => valueAndVjp(cube, x).value,
};
const slopes: Record<string, (f: (x: tf.Tensor) => tf.Tensor, x: tf.Tensor) => tf.Tensor> = {
  vjp: (f, x) => vjp((y: tf.Tensor) => f(y), x),
  jvp: (f, x) => tf.tidy(() => jvp((y: tf.Tensor) => f(y), x, tf.onesLike(x))),
  'tf.grad': (f, x) => tf.grad(f)(x),
  'tf.valueAndGrad': (f, x) => tf.valueAndGrad(f)(x).grad,
};
/** Where they are called. */
const places: Record<string, (run: (x: tf.Tensor) => tf.Tensor, x: tf.Tensor) => tf.Tensor> = {
  'outside a tape': (run, x) => run(x),
  'in a tidy': (run, x) => tf.tidy(() => run(x)),
  'in a tape that does not need it': (run, x) => {
    let inside: tf.Tensor | undefined;
    const gradient = tf.grad((y) => {
      inside = tf.keep(run(stopGradient(y)));
      return tf.square(y);
    })(x);
    gradient.dispose();
    return inside!;
  },
  'in a checkpoint': (run, x) => checkpoint(run, x),
  'in the forward of a custom gradient': (run, x) =>
    tf.customGrad((y) => ({ value: run(y as tf.Tensor), gradFunc: (dy: tf.Tensor) => dy }))(x),
  'in the backward of a custom gradient': (run, x) =>
    tf.grad((z) => tf.customGrad((y) => ({ value: tf.clone(y as tf.Tensor), gradFunc: () => run(y as tf.Tensor) }))(z))(
      x,
    ),
};

const cases = Object.keys(values).flatMap((value) => Object.keys(slopes).map((slope) => [slope, value] as const));

describe.each(Object.keys(places))('%s', (place) => {
  // TensorFlow.js' own gradients do not work in a custom gradient: there is no tape, or the outer one is forgotten.
  const broken = (slope: string) => place.includes('custom gradient') && slope.startsWith('tf.');

  it.each(cases.filter(([slope]) => !broken(slope)))('%s of %s', async (slope, value) => {
    const x = tf.scalar(at);
    const run = () => places[place]!((y) => slopes[slope]!(values[value]!, y), x);
    expect(run()).toBeAllClose(first, { rtol: 1e-5 });
    if (!slope.startsWith('tf.')) await expect(() => run().dispose()).toLeakNoTensors();
  });
});

describe('the derivative of each of', () => {
  it.each(cases)('%s of %s, by each', (slope, value) => {
    const derivative = (x: tf.Tensor) => slopes[slope]!(values[value]!, x);
    for (const outer of Object.values(slopes)) {
      expect(outer(derivative, tf.scalar(at))).toBeAllClose(second, { rtol: 1e-5 });
    }
  });
});

describe('stopGradient', () => {
  it.each(Object.keys(slopes))('holds in %s, and in a checkpoint there', (slope) => {
    // The derivative of x · [x²] is x².
    const stopped = (x: tf.Tensor) => tf.mul(x, stopGradient(tf.square(x)));
    expect(slopes[slope]!(stopped, tf.scalar(3))).toBeAllClose(9);
    expect(slopes[slope]!((x) => checkpoint(stopped, x), tf.scalar(3))).toBeAllClose(9);
  });
});

describe('gradCheck', () => {
  it('works in a tape, and leaves its gradient alone', async () => {
    const x = tf.tensor1d([0.5, -1]);
    const run = () =>
      tf.grad((y) => {
        expect(gradCheck(cube, y).passed).toBe(true);
        return tf.square(y);
      })(x);
    expect(run()).toBeAllClose([1, -2]);
    await expect(() => run().dispose()).toLeakNoTensors();
  });

  it('checks derivatives of derivatives', () => {
    gradCheck((x: tf.Tensor) => vjp(cube, x), tf.tensor1d([0.5, -1]));
    gradCheck((x: tf.Tensor) => jvp((y: tf.Tensor) => checkpoint(cube, y), x, x), tf.tensor1d([0.5, -1]));
  });
});

describe('convolutions', () => {
  it('have products with Jacobians, by image and by filter, and second derivatives', () => {
    const image = tf.tensor4d(Float32Array.from({ length: 32 }, (_, i) => Math.sin(i)), [1, 4, 4, 2]); // prettier-ignore
    const filter = tf.tensor4d(Float32Array.from({ length: 36 }, (_, i) => 0.3 * Math.cos(i)), [3, 3, 2, 2]); // prettier-ignore
    const [u, v] = [tf.cos(image), tf.sin(filter)];
    const f = (x: tf.Tensor, w: tf.Tensor) => tf.tanh(tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'same'));
    gradCheck((x: tf.Tensor, w: tf.Tensor) => tf.sum(tf.square(jvp(f, [x, w], [u, v]))), [image, filter], {
      rtol: 1e-2,
      atol: 1e-2,
    });
  });
});
