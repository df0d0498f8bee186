import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import {
  FrechetInceptionDistance,
  KernelInceptionDistance,
  frechetDistanceOfFeatures,
  kernelInceptionDistance,
  type FeatureExtractor,
} from '../src/index.ts';
import { hashedImages } from './hashed.ts';

/** Means of each channel in each quarter of a picture: 12 features. */
const quarters: FeatureExtractor = {
  name: 'quarters',
  extract: (images) =>
    tf.tidy(() => tf.reshape(tf.avgPool(tf.cast(images, 'float32'), 4, 4, 'valid'), [images.shape[0], 12])),
};
const pictures = (count: number, seed: number) => hashedImages(count, 8, 8, seed);

describe('FrechetInceptionDistance', () => {
  it('streams, merges and resets', async () => {
    const [real, fake] = [pictures(60, 1), tf.mul<tf.Tensor4D>(pictures(50, 2), 0.8)];
    const features = [real, fake].map((x) => quarters.extract(x) as tf.Tensor2D);
    const expected = frechetDistanceOfFeatures(features[0]!, features[1]!);

    const parts = [0, 1].map(() => new FrechetInceptionDistance({ feature: quarters }));
    for (let i = 0; i < 10; i++) {
      await parts[i % 2]!.update(tf.slice(real, [6 * i], [6]), { real: true });
      await parts[i % 2]!.update(tf.slice(fake, [5 * i], [5]), { real: false });
    }
    const whole = parts[0]!.merge(parts[1]!);
    expect(whole.name).toBe('fid-quarters');
    expect(await whole.compute()).toBeAllClose(expected, { rtol: 1e-9 });

    whole.reset();
    await whole.update(real, { real: true });
    await whole.update(real, { real: false });
    expect(await whole.compute()).toBeLessThan(1e-12);
  });

  it('takes a reference, and keeps the real images when told', async () => {
    const [real, fake] = [pictures(40, 1), pictures(40, 3)];
    const first = new FrechetInceptionDistance({ feature: quarters, resetRealFeatures: false });
    await first.update(real, { real: true });
    const reference = first.real.compute();
    first.reset();
    await first.update(fake, { real: false });
    const second = new FrechetInceptionDistance({ feature: quarters, reference });
    await second.update(fake, { real: false });
    expect(await second.compute()).toBeAllClose(await first.compute(), { rtol: 1e-12 });
    await expect(second.update(real, { real: true })).rejects.toThrow(/reference/);
  });

  it('warns below the rank, and refuses below two images', async () => {
    const warnings: string[] = [];
    const metric = new FrechetInceptionDistance({ feature: quarters, warn: (message) => warnings.push(message) });
    await metric.update(pictures(5, 1), { real: true });
    await metric.update(pictures(1, 2), { real: false });
    await expect(metric.compute()).rejects.toMatchObject({
      code: 'METRIC_TOO_FEW',
      message: expect.stringMatching(/2 generated images, but 1/),
    });
    await metric.update(pictures(30, 3), { real: false });
    await metric.compute();
    expect(warnings).toEqual([expect.stringMatching(/5 real images are fewer than the 12 features need \(13\)/)]);
  });

  it('refuses wrong pictures, and leaks nothing', async () => {
    const metric = new FrechetInceptionDistance({ feature: quarters });
    const x = pictures(2, 1);
    const refused = async (images: tf.Tensor4D) =>
      metric.update(images, { real: true }).catch((error: unknown) => error);
    expect(await refused(tf.mul(x, 255))).toMatchObject({
      code: 'METRIC_OUT_OF_RANGE',
      message: expect.stringMatching(/cast bytes/),
    });
    expect(await refused(tf.sub(tf.mul(x, 2), 1))).toMatchObject({ message: expect.stringMatching(/\(x \+ 1\) \/ 2/) });
    expect(await refused(tf.mul(x, NaN))).toMatchObject({ code: 'METRIC_NOT_FINITE' });
    expect(await refused(tf.zeros([0, 8, 8, 3]))).toMatchObject({ code: 'METRIC_BAD_ARGUMENT' });
    await expect(() => metric.update(x, { real: true })).toLeakNoTensors();
    await expect(metric.update(x, undefined as never)).rejects.toThrow(/`real` is undefined/);
    expect(() => new FrechetInceptionDistance()).toThrow(/InceptionV3.load/);
    expect(() => new KernelInceptionDistance()).toThrow(/InceptionV3.load/);
    const extract = quarters.extract;
    const spatial = { name: 'inception-v3-fid-spatial', extract };
    expect(new FrechetInceptionDistance({ feature: spatial }).name).toBe('spatial_frechet_inception_distance');
    const other = new FrechetInceptionDistance({ feature: { ...quarters, name: 'halves' } });
    expect(() => metric.merge(other)).toThrow(/fid-halves/);
  });
});

describe('KernelInceptionDistance', () => {
  it('streams and merges', async () => {
    const [real, fake] = [pictures(20, 1), pictures(20, 2)];
    const [a, b] = [real, fake].map((x) => quarters.extract(x) as tf.Tensor2D);
    const parts = [0, 1].map(() => new KernelInceptionDistance({ feature: quarters, subsets: 3 }));
    for (const part of [0, 1]) {
      await parts[part]!.update(tf.slice(real, [10 * part], [10]), { real: true });
      await parts[part]!.update(tf.slice(fake, [10 * part], [10]), { real: false });
    }
    const { mean } = await parts[0]!.merge(parts[1]!).compute();
    expect(mean).toBeAllClose(kernelInceptionDistance(a!, b!).mean, { rtol: 1e-9 });
    parts[0]!.reset();
    await expect(parts[0]!.compute()).rejects.toThrow(/no features yet/);
  });
});
