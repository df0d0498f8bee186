/** Pooling and resizing, against tfjs' own cpu backend: forward and gradient. */
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backends, draw, expectSame, startAll, withGradients } from './engines.ts';

beforeAll(startAll);

afterAll(async () => {
  await tf.setBackend('cpu');
});

type Explicit = tf.backend_util.ExplicitPadding;

const uneven: Explicit = [
  [0, 0],
  [1, 0],
  [0, 2],
  [0, 0],
];

describe('pooling', () => {
  it.each([
    [2, 2, 'same'],
    [2, 2, 'valid'],
    [3, 1, 'same'],
    [3, 2, 'same'],
    [[2, 3], [1, 2], 'valid'],
    [3, 2, 1],
    [[2, 3], [1, 2], 1],
    [3, 2, uneven],
  ] as [number | [number, number], number | [number, number], 'same' | 'valid' | number | Explicit][])(
    'of %j, stride %j, padding %s',
    async (size, strides, pad) => {
      const shape = [2, 7, 6, 3];
      await expectSame(
        [shape],
        withGradients((x) => tf.maxPool(x as tf.Tensor4D, size, strides, pad)),
      );
      await expectSame(
        [shape],
        withGradients((x) => tf.avgPool(x as tf.Tensor4D, size, strides, pad)),
      );
    },
  );
});

// The native engine has no such kernel.
describe('pooling that says where the largest numbers lie', () => {
  it.each([
    [2, 2, 'valid', 'float32'],
    [3, 2, 'same', 'float32'],
    [[2, 3], [1, 2], 'same', 'int32'],
    [2, 3, 'same', 'int32'],
  ] as [number | [number, number], number | [number, number], 'same' | 'valid', 'float32' | 'int32'][])(
    'of %j, stride %j, padding %s, type %s',
    async (size, strides, pad, dtype) => {
      const negative = tf.sub(tf.mul(draw(2, 7, 6, 3), 10), 100);
      const values = negative.dataSync();
      const pool = (inBatch: boolean) => {
        const x = tf.tensor4d(values, [2, 7, 6, 3], dtype);
        const { result, indexes } = tf.maxPoolWithArgmax(x, size, strides, pad, inBatch);
        return [x, result!, indexes!].map((tensor) => [...tensor.dataSync()]);
      };
      for (const inBatch of [false, true]) {
        await tf.setBackend('cpu');
        const expected = tf.tidy(() => pool(inBatch));
        await tf.setBackend('wasm');
        const [x, largest, indices] = tf.tidy(() => pool(inBatch));
        expect([largest, indices]).toEqual(expected.slice(1));
        if (inBatch) expect(indices!.map((index) => x![index])).toEqual(largest);
      }
      negative.dispose();
    },
  );
});

describe('resizing', () => {
  it.each([
    [[8, 12], false],
    [[7, 9], false],
    [[7, 9], true],
    [[3, 2], false],
    [[8, 12], false, true],
    [[7, 5], false, true],
    [[2, 3], false, true],
  ] as [[number, number], boolean, boolean?][])(
    'to %j, corners aligned: %s, by the centres of pixels: %s',
    async (size, aligned, centred) => {
      const shape = [2, 4, 6, 3];
      await expectSame(
        [shape],
        withGradients((x) => tf.image.resizeNearestNeighbor(x as tf.Tensor4D, size, aligned, centred)),
      );
      await expectSame(
        [shape],
        withGradients((x) => tf.image.resizeBilinear(x as tf.Tensor4D, size, aligned, centred)),
      );
    },
  );

  it.each(['resizeNearestNeighbor', 'resizeBilinear'] as const)(
    '%s has the adjoint of its forward pass',
    async (name) => {
      for (const engine of ['cpu', ...backends]) {
        await tf.setBackend(engine);
        for (const [size, centred] of [
          [[8, 12], false],
          [[7, 5], false],
          [[2, 3], false],
          [[7, 5], true],
          [[2, 3], true],
        ] as [[number, number], boolean][]) {
          tf.tidy(() => {
            const [x, dy] = [draw(2, 4, 6, 3), draw(2, ...size, 3)];
            const resize = (image: tf.Tensor) => tf.image[name](image as tf.Tensor4D, size, false, centred);
            const forward = tf.sum(tf.mul(resize(x), dy)).dataSync();
            expect(tf.sum(tf.mul(tf.grad(resize)(x, dy), x))).toBeAllClose(forward, { rtol: 1e-4, atol: 1e-4 });
          });
        }
      }
    },
  );
});

it.each([
  [[3, 2], 1, 'same', 1],
  [[2, 3], [2, 1], 'valid', 1],
  [[3, 3], 2, 'same', 1],
  [[2, 2], 1, 'valid', [2, 1]],
] as [[number, number], number | [number, number], 'same' | 'valid', number | [number, number]][])(
  'greyscale dilation by %j, stride %j, padding %s, dilated by %j',
  async (size, strides, pad, dilations) => {
    await expectSame(
      [
        [2, 7, 6, 3],
        [...size, 3],
      ],
      withGradients((x, filter) =>
        tf.dilation2d(tf.sub<tf.Tensor4D>(x, 3), tf.mul<tf.Tensor3D>(filter, 0.3), strides, pad, dilations),
      ),
    );
  },
);
