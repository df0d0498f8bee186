/** Matrix products, against those of tfjs' own cpu backend: forward and gradient. */
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { draw, expectSame, startAll, withGradients } from './engines.ts';

beforeAll(startAll);

afterAll(async () => {
  await tf.setBackend('cpu');
});

describe('matrix products', () => {
  const sizes: [number[], number[], boolean, boolean][] = [
    [[33, 20], [20, 31], false, false],
    [[20, 33], [20, 31], true, false],
    [[33, 20], [31, 20], false, true],
    [[20, 33], [31, 20], true, true],
    [[3, 33, 20], [3, 31, 20], false, true],
    [[3, 2, 20, 33], [3, 2, 20, 31], true, false],
    [[3, 33, 20], [1, 20, 31], false, false],
    [[1, 33, 20], [3, 20, 31], false, false],
    [[2, 3, 4], [2, 4, 3], false, false],
    [[8, 4], [4, 4], false, false],
    [[3, 1], [1, 5], false, false],
    [[8, 4], [3, 4], false, true],
    [[16, 32], [32, 17], false, false],
  ];
  it.each(sizes)('%j times %j, transposed %s and %s', async (a, b, transposeA, transposeB) => {
    await expectSame([a, b], (x, y) => [tf.matMul(x, y, transposeA, transposeB)]);
  });

  it('broadcast two stacks to each other, which the built-in kernels get wrong', async () => {
    await tf.setBackend('wasm');
    tf.tidy(() => {
      const [a, b] = [draw(2, 1, 33, 20), draw(1, 3, 20, 31)];
      const product = tf.matMul(a, b);
      expect(product.shape).toEqual([2, 3, 33, 31]);
      const one = tf.matMul(
        tf.reshape(tf.slice(a, [1], [1]), [33, 20]),
        tf.reshape(tf.slice(b, [0, 2], [1, 1]), [20, 31]),
      );
      expect(tf.reshape(tf.slice(product, [1, 2], [1, 1]), [33, 31])).toBeAllClose(one);
    });
  });

  it('of one matrix in two shapes', async () => {
    await expectSame(
      [
        [2, 3],
        [1, 2],
        [1, 3],
      ],
      (x, a, b) => [tf.matMul(a, x), tf.matMul(b, tf.reshape(x, [3, 2])), tf.matMul(a, tf.reshape(x, [2, 3]))],
    );
    const fused = (a: tf.Tensor, b: tf.Tensor) => tf.fused.matMul({ a, b, activation: 'relu' });
    await expectSame(
      [
        [2, 3],
        [1, 2],
        [1, 3],
      ],
      (x, a, b) => [fused(a, x), fused(b, tf.reshape(x, [3, 2]))],
    );
  });

  it.each([
    [[3, 4], [4, 5], [5], false, false],
    [[4, 3], [4, 5], [5], true, false],
    [[3, 4], [5, 4], [5], false, true],
    [[2, 3, 4], [2, 4, 5], [5], false, false],
    [[2, 3, 4], [1, 4, 5], [5], false, false],
    [[3, 4], [4, 5], [3, 5], false, false],
  ] as [number[], number[], number[], boolean, boolean][])(
    'with a bias and an activation: %j times %j, bias %j, transposed %s and %s',
    async (a, b, bias, transposeA, transposeB) => {
      await expectSame([a, b, bias, [3, 5]], (x, y, z, alpha) =>
        (['linear', 'relu', 'elu', 'prelu', 'leakyrelu', 'sigmoid'] as const).map((activation) =>
          tf.fused.matMul({
            ...{ a: x, b: y, bias: z, transposeA, transposeB, activation, leakyreluAlpha: 0.1 },
            ...(activation === 'prelu' && { preluActivationWeights: alpha }),
          }),
        ),
      );
    },
  );

  it('with a bias have gradients', async () => {
    await expectSame(
      [[3, 4], [5, 4], [5]],
      withGradients((a, b, bias) => tf.fused.matMul({ a, b, bias, transposeB: true })),
    );
  });

  it('have gradients', async () => {
    await expectSame(
      [
        [3, 33, 20],
        [3, 31, 20],
      ],
      withGradients((x, y) => tf.matMul(x, y, false, true)),
    );
  });
});

it.each([
  [false, false, [[4, 3], [3, 5]]],
  [true, false, [[3, 4], [3, 5]]],
  [false, true, [[4, 3], [5, 3]]],
  [true, true, [[3, 4], [5, 3]]],
  [false, true, [[2, 4, 3], [2, 5, 3]]],
] as [boolean, boolean, number[][]][])('products of matrices, transposed %s and %s, of %j', async (ta, tb, shapes) => {
  await expectSame(
    shapes,
    withGradients((a, b) => tf.matMul(a, b, ta, tb)),
  );
}); // prettier-ignore
