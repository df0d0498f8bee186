import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toFloat32, type StateDict } from '@missing-u/weights';
import { DISTS } from '../src/index.ts';
import { expectGradient } from './gradient.ts';
import { hashedImages, hashedWeights } from './hashed.ts';
import { trunkShapes } from './trunk-shapes.ts';
// The authors' package with the same weights: tools/reference/metrics/perceptual.py.
import golden from './fixtures/perceptual.json' with { type: 'json' };

const trunk = hashedWeights(trunkShapes.vgg);
const heads: StateDict = Object.fromEntries(
  Object.entries(hashedWeights({ alpha: [1, 1475, 1, 1], beta: [1, 1475, 1, 1] })).map(([name, tensor]) => [
    name,
    { ...tensor, data: toFloat32(tensor).map(Math.abs) },
  ]),
);

describe('DISTS', () => {
  let dists: DISTS;
  beforeAll(() => void (dists = new DISTS({ trunk, heads })));
  afterAll(() => dists.dispose());

  it.each(Object.entries(golden.dists))("has its authors' numbers, %s", (size, expected) => {
    const [height, width] = size.split('x').map(Number) as [number, number];
    const [a, b] = [1, 2].map((seed) => hashedImages(1, height, width, seed)) as [tf.Tensor4D, tf.Tensor4D];
    expect(dists.distance(a, b)).toBeAllClose(expected.distance, { rtol: 1e-4, atol: 1e-6 });
    expect(dists.distance(b, a)).toBeAllClose(expected.distance, { rtol: 1e-4, atol: 1e-6 });
    expect(dists.distance(a, a)).toBeAllClose([0], { atol: 1e-6 });
  });

  it('is a loss: its gradient is that of PyTorch, and finite for black pictures', () => {
    const [a, b] = [1, 2].map((seed) => hashedImages(1, 16, 16, seed)) as [tf.Tensor4D, tf.Tensor4D];
    const gradient = tf.grad((x) => tf.sum(dists.distance(a, x as tf.Tensor4D, { checkRange: false })));
    expectGradient(gradient(b), golden.dists['16x16'].gradientSample);
    expect(gradient(tf.zerosLike(b)).dataSync().every(Number.isFinite)).toBe(true);
  });

  it('takes grey pictures, leaks nothing, and refuses wrong pictures and weights', async () => {
    const a = hashedImages(1, 16, 16, 1);
    const grey = tf.slice(a, [0, 0, 0, 0], [1, 16, 16, 1]);
    const other = tf.sub<tf.Tensor4D>(1, grey);
    const color = (x: tf.Tensor4D) => tf.concat([x, x, x], 3);
    expect(dists.distance(grey, other)).toBeAllClose(dists.distance(color(grey), color(other)), { rtol: 1e-5 });
    await expect(() => dists.distance(a, a).dispose()).toLeakNoTensors();
    await expect(() => new DISTS({ trunk, heads }).dispose()).toLeakNoTensors();

    const code = 'METRIC_OUT_OF_RANGE';
    expect(() => dists.distance(tf.mul(a, 255), a)).toThrow(expect.objectContaining({ code }));
    expect(() => dists.distance(tf.mul(a, NaN), a)).toThrow(/finite/);
    expect(() => dists.distance(a, hashedImages(1, 17, 16, 1))).toThrow(/shape/);
    expect(() => dists.distance(tf.zeros([1, 16, 16, 2]), tf.zeros([1, 16, 16, 2]))).toThrow(/3 channels/);
    const wrong = () => new DISTS({ trunk, heads: {} });
    expect(wrong).toThrow(
      expect.objectContaining({ code: 'METRIC_WRONG_WEIGHTS', message: expect.stringMatching(/alpha/) }),
    );
    expect(() => new DISTS({ trunk: {}, heads })).toThrow(/vgg16/);
    const noHeads = () => new DISTS({ trunk, heads: null as never });
    expect(noHeads).toThrow(expect.objectContaining({ code: 'METRIC_WRONG_WEIGHTS' }));
    await expect(() => void [wrong, noHeads].map((call) => expect(call).toThrow())).toLeakNoTensors();
  });
});
