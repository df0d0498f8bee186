import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CUNet } from '@missing-u/cunet';
import { random } from './random.ts';

const small = { inChannels: 1, channels: 4, groups: 2, imageSize: 16, timeSize: 8 } as const;

describe('CUNet', () => {
  let model: CUNet;
  beforeAll(() => void (model = new CUNet(small)));
  afterAll(() => model.dispose());
  const sample = () => random<tf.Rank.R4>([2, 16, 16, 1]);

  it('gives a picture of the same shape, and leaks nothing', async () => {
    const y = model.predict(sample(), [3, 700]);
    expect(y.shape).toEqual([2, 16, 16, 1]);
    expect(y.dataSync().every(Number.isFinite)).toBe(true);
    await expect(() => model.predict(sample(), 5).dispose()).toLeakNoTensors(1);
  });

  it('depends on the time', () => {
    const [early, late] = [model.predict(sample(), 10), model.predict(sample(), 900)];
    expect(tf.max(tf.abs(tf.sub(early, late))).dataSync()[0]).toBeGreaterThan(1e-3);
  });

  it('predicts each picture independently of its batch', () => {
    const both = model.predict(sample(), [3, 700]);
    const second = model.predict(tf.slice(sample(), [1, 0, 0, 0], [1, 16, 16, 1]), 700);
    expect(tf.slice(both, [1, 0, 0, 0], [1, 16, 16, 1])).toBeAllClose(second, { atol: 1e-5 });
  });

  it('predicts 0 at first where asked to', () => {
    const silent = new CUNet({ ...small, outputInitializer: 'zeros' });
    expect(tf.max(tf.abs(silent.predict(sample(), 10))).dataSync()[0]).toBe(0);
    expect(silent.config).toEqual(model.config);
    silent.dispose();
  });

  it('sends a gradient to every parameter', () => {
    const variables = model.parameters().map(({ variable }) => variable);
    const { grads } = tf.variableGrads(() => {
      const error = tf.sub(model.predict(sample(), [3, 700]), sample());
      return tf.mean<tf.Scalar>(tf.mul(error, error));
    }, variables);
    for (const { name, variable } of model.parameters()) {
      const largest = tf.max(tf.abs(grads[variable.name]!)).dataSync()[0]!;
      expect(largest, name).toBeGreaterThan(0);
      expect(largest, name).toBeLessThan(1e3);
    }
  });
});
