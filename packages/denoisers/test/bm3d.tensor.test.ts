import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { bm3d, bm3dAsync, estimateNoise } from '../src/index.ts';

describe('bm3d on tensors', () => {
  const data = Float32Array.from({ length: 20 * 16 }, (_, i) => (i % 5) / 10 + (i % 7) / 20);
  const raster = { data, width: 16, height: 20, channels: 1 };

  it('gives a tensor of the same shape with the same values, and leaks none', async () => {
    const image = tf.tensor2d(data, [20, 16]);
    const result = bm3d(image, 0.1);
    expect(result.shape).toEqual([20, 16]);
    expect(result).toBeAllClose(tf.tensor2d(bm3d(raster, 0.1).data as Float32Array, [20, 16]));
    await expect(() => bm3d(image, 0.1).dispose()).toLeakNoTensors();
    const clean = await bm3dAsync(image, 0);
    expect(clean).toBeAllClose(image);
  });

  it('has its noise estimated as that of a picture', () => {
    expect(estimateNoise(tf.tensor2d(data, [20, 16]))).toBeCloseTo(estimateNoise(raster), 6);
  });

  it('refuses other ranks', () => {
    expect(() => bm3d(tf.zeros([1, 20, 16, 1]) as never, 0.1)).toThrow(/tensor of shape \[1, 20, 16, 1\]/);
  });
});
