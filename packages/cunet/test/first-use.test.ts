import { CUNet } from '@missing-u/cunet';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { expect, it } from 'vitest';

it('predicts with TensorFlow.js alone, as the first thing that a program does', () => {
  const model = new CUNet({ inChannels: 1, channels: 8, groups: 4, imageSize: 16, timeSize: 8, attention: 'none' });
  const prediction = model.predict(tf.ones([1, 16, 16, 1]), 500);
  expect(prediction.shape).toEqual([1, 16, 16, 1]);
  expect(prediction.dataSync().every(Number.isFinite)).toBe(true);
});
