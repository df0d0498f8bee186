import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { gradCheck, jvp, vjp } from '../src/index.ts';

describe('jvp', () => {
  it('gives J v: of x², 2 x v; of a linear map, its image; in trees', () => {
    const [x, v] = [tf.tensor1d([1, 2, 3]), tf.tensor1d([1, 0, -1])];
    expect(jvp((y: tf.Tensor) => tf.square(y), x, v)).toBeAllClose([2, 0, -6]);
    const a = tf.tensor2d([[1, 2, 3], [4, 5, 6]]); // prettier-ignore
    const image = jvp(
      (y: tf.Tensor) => ({ out: tf.matMul(a, y as tf.Tensor2D) }),
      [tf.zeros([3, 1])],
      [tf.reshape(v, [3, 1])],
    );
    expect(image.out).toBeAllClose([-2, -2]);
  });

  it('is the transpose of vjp: w · J v = v · Jᵀ w', () => {
    const m = tf.tensor2d([[0.3, -1], [2, 0.1]]); // prettier-ignore
    const f = (y: tf.Tensor) => tf.tanh(tf.matMul(tf.sigmoid(y as tf.Tensor2D), m));
    const [x, v, w] = [tf.tensor2d([[0.2, 0.4]]), tf.tensor2d([[1, -2]]), tf.tensor2d([[0.5, 3]])];
    expect(tf.sum(tf.mul(w, jvp(f, x, v)))).toBeAllClose(tf.sum(tf.mul(v, vjp(f, x, w))));
  });

  it('gives zeros for an unused input and can be used inside a tape', () => {
    const x = tf.tensor1d([1, 2]);
    expect(jvp(() => tf.ones([3]), x, x)).toBeAllClose([0, 0, 0]);
    // d/dx Σ 2 x v with v = x: 4x.
    expect(tf.grad((y) => tf.sum(jvp((z: tf.Tensor) => tf.square(z), y, y)))(x)).toBeAllClose([4, 8]);
  });

  it('takes a tensor that is given twice as two inputs', () => {
    const x = tf.scalar(3);
    const product = (a: tf.Tensor, b: tf.Tensor) => tf.mul(a, tf.square(b));
    const along = (da: number, db: number) => jvp(product, [x, x], [tf.scalar(da), tf.scalar(db)]);
    expect(along(1, 0)).toBeAllClose(9);
    expect(along(1, 2)).toBeAllClose(9 + 2 * 18);
    gradCheck(product, [x, x]);
  });

  it('passes conditions that depend on the input', () => {
    const [x, v] = [tf.tensor1d([-1, 2]), tf.tensor1d([1, 10])];
    const ramp = (y: tf.Tensor) => tf.where(tf.greater(y, 0), tf.square(y), tf.zerosLike(y));
    expect(jvp(ramp, x, v)).toBeAllClose([0, 40]);
    expect(vjp((y: tf.Tensor) => vjp(ramp, y), x)).toBeAllClose([0, 2]);
    expect(tf.grad((y) => tf.sum(jvp(ramp, y, v)))(x)).toBeAllClose([0, 20]);
  });

  it('names the operation that has no gradient, and leaves no tensor behind then', async () => {
    const x = tf.ones([1, 2, 2, 1]);
    const pool = (y: tf.Tensor) => tf.maxPool(y as tf.Tensor4D, 2, 1, 'same');
    const refusal = { code: 'AUTODIFF_OPERATION', message: expect.stringMatching(/MaxPoolGrad/) as string };
    await expect(() => {
      expect(() => jvp(pool, x, x)).toThrow(expect.objectContaining(refusal));
      expect(() => tf.grad((y) => tf.sum(jvp(pool, y, y)))(x)).toThrow(expect.objectContaining(refusal));
    }).toLeakNoTensors();
  });

  it('leaves no tensor behind and refuses tangents that do not fit', async () => {
    const x = tf.tensor1d([1, 2]);
    await expect(() => jvp((y: tf.Tensor) => tf.square(y), x, x).dispose()).toLeakNoTensors();
    expect(() => jvp((y: tf.Tensor) => tf.square(y), x, tf.scalar(1) as unknown as tf.Tensor1D)).toThrow(
      '`vs` is float32 []',
    );
  });
});

describe('gradCheck', () => {
  it('passes right gradients, of several inputs and outputs', () => {
    const xs = { w: tf.tensor2d([[0.5, -1], [2, 0.3]]), x: tf.tensor2d([[0.4, 0.7]]) }; // prettier-ignore
    const report = gradCheck(({ w, x }: typeof xs) => [tf.matMul(x, w), tf.sigmoid(x)], xs);
    expect(report.passed).toBe(true);
    expect(report.maxError).toBeLessThan(1e-4);
  });

  it('reports a wrong gradient with its place', () => {
    const wrong = tf.customGrad((x) => ({
      value: tf.square(x as tf.Tensor),
      gradFunc: (dy: tf.Tensor) => tf.mul(dy, x as tf.Tensor),
    }));
    const x = tf.tensor1d([0.5, 4]);
    expect(() => gradCheck((y: tf.Tensor) => wrong(y), x)).toThrow(
      /leaf 0 at flat index 1 is .* finite differences give/,
    );
    const report = gradCheck((y: tf.Tensor) => wrong(y), x, { throw: false });
    expect(report).toMatchObject({ passed: false, worst: { leaf: 0, index: 1 } });
  });

  it('refuses options that make no sense', () => {
    const x = tf.tensor1d([1]);
    for (const options of [{ step: 0 }, { step: NaN }, { rtol: -1 }, { atol: NaN }]) {
      const [name] = Object.keys(options);
      expect(() => gradCheck((y: tf.Tensor) => tf.square(y), x, options)).toThrow(`\`${name}\` is`);
    }
  });

  it('fails on NaN, and leaves no tensor behind', async () => {
    const x = tf.tensor1d([-1]);
    expect(gradCheck((y: tf.Tensor) => tf.sqrt(y), x, { throw: false }).passed).toBe(false);
    await expect(() => gradCheck((y: tf.Tensor) => tf.square(y), x)).toLeakNoTensors();
  });
});
