import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import {
  msSsim,
  multiscaleStructuralSimilarity,
  peakSignalNoiseRatio,
  psnr,
  ssim,
  structuralSimilarity,
  type Image,
} from '../src/index.ts';
import { noisy, ramp } from './pictures.ts';

const color = ramp(24, 28, 3);
const pairs: [Image, Image][] = [0.3, 1].map((amount, seed) => [color, noisy(color, amount, seed)]);

const batch = (images: readonly Image[], scale = 1) => {
  const { height, width, channels } = images[0]!;
  const data = images.flatMap((image) => Array.from(image.data, (value) => scale * value));
  return tf.tensor4d(data, [images.length, height, width, channels]);
};
const batches = (scale = 1) =>
  [
    batch(
      pairs.map(([a]) => a),
      scale,
    ),
    batch(
      pairs.map(([, b]) => b),
      scale,
    ),
  ] as const;

describe('ssim', () => {
  it.each([
    {},
    { defaults: 'wang' },
    { gaussianWeights: true, sigma: [0.8, 1.2] },
    { winSize: [3, 5], border: 'reflect' },
    { color: 'luma' },
    { defaults: 'torchmetrics' },
    { defaults: 'piq' },
  ] as const)('equals the float64 function with %o', (options) => {
    const expected = pairs.map(([a, b]) => structuralSimilarity(a, b, { dataRange: 1, ...options }));
    expect(ssim(...batches(), { dataRange: 1, ...options })).toBeAllClose(expected, { rtol: 0, atol: 1e-5 });
  });

  it('takes bytes', () => {
    const bytes = pairs.map((pair) =>
      pair.map((image) => ({ ...image, data: Array.from(image.data, (v) => Math.round(255 * v)) })),
    );
    const expected = bytes.map(([a, b]) => structuralSimilarity(a!, b!, { dataRange: 255 }));
    const [a, b] = [0, 1].map((i) => tf.cast(batch(bytes.map((pair) => pair[i]!)), 'int32')) as [
      tf.Tensor4D,
      tf.Tensor4D,
    ];
    expect(ssim(a, b, { dataRange: 255 })).toBeAllClose(expected, { rtol: 0, atol: 1e-5 });
  });

  it('thins out large pictures as the second script of Wang does', () => {
    const a = ramp(9, 390, 1);
    const large = {
      ...a,
      height: 390,
      data: Float64Array.from({ length: 390 * 390 }, (_, i) => a.data[i % a.data.length]!),
    };
    const other = noisy(large, 0.5, 7);
    const options = { dataRange: 1, downsample: true };
    expect(ssim(batch([large]), batch([other]), options)).toBeAllClose([structuralSimilarity(large, other, options)], {
      atol: 1e-5,
    });
  });

  it('has the gradient of its value', () => {
    const [a, b] = [ramp(9, 9, 1), noisy(ramp(9, 9, 1), 0.6, 5)];
    const options = { dataRange: 1, checkRange: false };
    const gradient = tf
      .grad((x) => tf.sum(ssim(batch([a]), x as tf.Tensor4D, options)))(batch([b]))
      .dataSync();
    for (const at of [0, 40, 77]) {
      const moved = (step: number) =>
        structuralSimilarity(a, { ...b, data: b.data.map((v, i) => (i === at ? v + step : v)) }, options);
      expect(gradient[at]).toBeCloseTo((moved(1e-4) - moved(-1e-4)) / 2e-4, 3);
    }
  });

  it('leaks nothing, and refuses what the float64 function refuses', async () => {
    const [a, b] = batches();
    await expect(() => ssim(a, b, { dataRange: 1 }).dispose()).toLeakNoTensors();
    expect(() => ssim(...batches(255), { dataRange: 1 })).toThrow(/\[0, 1\]/);
    expect(() => ssim(a, batch([color]), { dataRange: 1 })).toThrow(/shape/);
    expect(() => ssim(a, b, { dataRange: 1, winSize: 25 })).toThrow(/smaller than the window/);
    expect(() => ssim(a, tf.mul(b, NaN), { dataRange: 1 })).toThrow(/finite/);
  });
});

describe('msSsim', () => {
  const weights = [0.4, 0.6];
  it.each([
    [color, noisy(color, 0.8, 3)],
    [ramp(23, 25, 1), noisy(ramp(23, 25, 1), 0.8, 4)],
  ])('equals the float64 function, case %#', (a, b) => {
    const expected = multiscaleStructuralSimilarity(a, b, { dataRange: 1, weights });
    expect(msSsim(batch([a]), batch([b]), { dataRange: 1, weights })).toBeAllClose([expected], { atol: 1e-5 });
    expect(msSsim(batch([a]), batch([a]), { dataRange: 1, weights })).toBeAllClose([1], { atol: 1e-6 });
  });

  it.each(['torchmetrics', 'piq', 'pytorch-msssim'] as const)('follows %s for odd sides', (defaults) => {
    for (const a of [ramp(23, 26, 3), ramp(24, 25, 1)]) {
      const b = noisy(a, 0.8, 4);
      const options = { dataRange: 1, defaults, weights };
      const expected = multiscaleStructuralSimilarity(a, b, options);
      expect(msSsim(batch([a]), batch([b]), options)).toBeAllClose([expected], { atol: 1e-5 });
    }
  });

  it('has the gradient of its value', () => {
    const [a, b] = [ramp(22, 22, 1), noisy(ramp(22, 22, 1), 0.6, 5)];
    const options = { dataRange: 1, checkRange: false, weights };
    const gradient = tf
      .grad((x) => tf.sum(msSsim(batch([a]), x as tf.Tensor4D, options)))(batch([b]))
      .dataSync();
    for (const at of [3, 240]) {
      const moved = (step: number) =>
        multiscaleStructuralSimilarity(a, { ...b, data: b.data.map((v, i) => (i === at ? v + step : v)) }, options);
      expect(gradient[at]).toBeCloseTo((moved(1e-4) - moved(-1e-4)) / 2e-4, 4);
    }
  });

  it('leaks nothing', async () => {
    const [a, b] = batches();
    await expect(() => msSsim(a, b, { dataRange: 1, weights }).dispose()).toLeakNoTensors();
    expect(() => msSsim(a, b, { dataRange: 1 })).toThrow(/at least 161 x 161/);
  });
});

describe('psnr', () => {
  it('equals the float64 function', async () => {
    const [a, b] = batches();
    const expected = pairs.map(([x, y]) => peakSignalNoiseRatio(x, y, { dataRange: 1 }));
    expect(psnr(a, b, { dataRange: 1 })).toBeAllClose(expected, { rtol: 1e-6 });
    expect(psnr(a, a, { dataRange: 1 }).dataSync()[0]).toBe(Infinity);
    await expect(() => psnr(a, b, { dataRange: 1 }).dispose()).toLeakNoTensors();
    expect(() => psnr(a, b, { dataRange: 0 })).toThrow(/dataRange/);
  });
});
