import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toFloat32, type StateDict } from '@missing-u/weights';
import { LPIPS, type LpipsOptions } from '../src/index.ts';
import { expectGradient } from './gradient.ts';
import { hashedImages, hashedWeights } from './hashed.ts';
import { headShapes, trunkShapes } from './trunk-shapes.ts';
// The lpips package with the same weights: tools/reference/metrics/perceptual.py.
import golden from './fixtures/perceptual.json' with { type: 'json' };

const sizes = { squeeze: [33, 36], alex: [40, 35], vgg: [16, 18] } as const;
const absolute = (dict: StateDict): StateDict =>
  Object.fromEntries(Object.entries(dict).map(([name, t]) => [name, { ...t, data: toFloat32(t).map(Math.abs) }]));

describe.each(['squeeze', 'alex', 'vgg'] as const)('LPIPS of %s against the lpips package', (net) => {
  const trunk = hashedWeights(trunkShapes[net]);
  const heads = absolute(hashedWeights(headShapes(net)));
  const [height, width] = sizes[net];
  let [a, b]: tf.Tensor4D[] = [];
  beforeAll(() => void ([a, b] = [1, 2].map((seed) => hashedImages(2, height, width, seed))));
  const made: LPIPS[] = [];
  const metric = (options: LpipsOptions = {}) => {
    made.push(new LPIPS({ net, trunk, heads, ...options }));
    return made.at(-1)!;
  };
  afterAll(() => made.forEach((lpips) => lpips.dispose()));
  const input = { normalize: true };
  const close = { rtol: 1e-4, atol: 1e-6 };

  it('has its distances, per layer too', async () => {
    const lpips = metric();
    expect(lpips.distance(a!, b!, input)).toBeAllClose(golden[net].distance, close);
    expect(lpips.layers(a!, b!, input)).toBeAllClose(golden[net].layers, close);
    expect(lpips.distance(b!, a!, input)).toBeAllClose(golden[net].distance, close);
    expect(lpips.distance(a!, a!, input)).toBeAllClose([0, 0], { atol: 1e-9 });
    const signed = [a!, b!].map((x) => tf.sub(tf.mul(x, 2), 1)) as [tf.Tensor4D, tf.Tensor4D];
    expect(lpips.distance(...signed)).toBeAllClose(golden[net].distance, close);
    await expect(() => lpips.distance(a!, b!, input).dispose()).toLeakNoTensors();
  });

  it('is a loss: its gradient is that of PyTorch', () => {
    const lpips = metric();
    const gradient = tf.grad((x) => tf.sum(lpips.distance(a!, x as tf.Tensor4D, { ...input, checkRange: false })));
    expectGradient(gradient(b!), golden[net].gradientSample);
    // Flat black pictures leave dead positions, where a root has no slope.
    expect(gradient(tf.zerosLike(b!)).dataSync().every(Number.isFinite)).toBe(true);
  });

  // The forms do not depend on the network, and one is enough to compare them.
  it.runIf(net === 'squeeze')('has its other forms: version 0.0, without heads, as a map', () => {
    expect(metric({ version: '0.0' }).distance(a!, b!, input)).toBeAllClose(golden[net]['v0.0'], close);
    expect(metric({ lpips: false }).distance(a!, b!, input)).toBeAllClose(golden[net].baseline, close);
    const map = metric({ spatial: true }).distance(a!, b!, input);
    expect(map.shape).toEqual([2, height, width, 1]);
    expect(map.dataSync().filter((_, i) => i % 101 === 0)).toBeAllClose(golden[net].spatialSample, close);
  });
});

describe('LPIPS', () => {
  const trunk = hashedWeights(trunkShapes.squeeze);
  const heads = absolute(hashedWeights(headShapes('squeeze')));

  it('refuses wrong pictures and wrong weights', async () => {
    const lpips = new LPIPS({ net: 'squeeze', trunk, heads });
    const a = hashedImages(1, 19, 20, 1);
    expect(() => lpips.distance(tf.mul(a, 255), a)).toThrow(/\[-1, 1\]/);
    expect(() => lpips.distance(tf.sub(a, 0.5), a, { normalize: true })).toThrow(/\[0, 1\]/);
    expect(() => lpips.distance(a, hashedImages(1, 20, 20, 1))).toThrow(/shape/);
    expect(() => lpips.distance(tf.mul(a, NaN), a)).toThrow(/finite/);
    const tiny = hashedImages(1, 16, 20, 1);
    expect(() => lpips.distance(tiny, tiny)).toThrow(
      expect.objectContaining({ code: 'METRIC_TOO_SMALL', message: expect.stringMatching(/20 x 16.*at least 17/) }),
    );
    expect(() => lpips.distance(tf.zeros([1, 19, 20, 2]), tf.zeros([1, 19, 20, 2]))).toThrow(/3 channels/);
    lpips.dispose();
    const code = 'METRIC_WRONG_WEIGHTS';
    const wrong = (run: () => LPIPS) => expect(run);
    wrong(() => new LPIPS({ net: 'alex', trunk, heads })).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(/alexnet.*shapes: features.0.weight/) }),
    );
    wrong(() => new LPIPS({ net: 'squeeze', trunk, heads: {} })).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(/heads of squeeze/) }),
    );
    wrong(() => new LPIPS({ net: 'squeeze', trunk })).toThrow(/squeeze.pth/);
    wrong(() => new LPIPS({ net: 'squeezenet' as never, trunk, heads })).toThrow(/Did you mean 'squeeze'/);
    const noHeads: unknown[] = [null, 'heads', { ...heads, 'lin0.model.1.weight': {} }];
    await expect(() => {
      expect(() => new LPIPS({ net: 'alex', trunk, heads })).toThrow();
      for (const bad of noHeads) expect(() => new LPIPS({ net: 'squeeze', trunk, heads: bad as never })).toThrow();
    }).toLeakNoTensors();
  });

  it('takes grey pictures as three equal channels', () => {
    const lpips = new LPIPS({ net: 'squeeze', trunk, heads });
    const [a, b] = [1, 2].map((seed) => tf.slice(hashedImages(1, 19, 20, seed), [0, 0, 0, 0], [1, 19, 20, 1])) as [
      tf.Tensor4D,
      tf.Tensor4D,
    ];
    const color = (x: tf.Tensor4D) => tf.concat([x, x, x], 3);
    expect(lpips.distance(a, b)).toBeAllClose(lpips.distance(color(a), color(b)));
    lpips.dispose();
  });
});
