import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { DDIMScheduler, DDPMScheduler, createGenerator, type Timestep } from '../src/index.ts';

const SHAPE: [number, number, number, number] = [2, 4, 4, 3];
const numbers = (seed: number, count = 96) => createGenerator(seed).fillNormal(new Float32Array(count));

describe.each([
  ['DDPM', () => new DDPMScheduler()],
  ['DDPM, thresholding', () => new DDPMScheduler({ thresholding: true, sampleMaxValue: 2 })],
  ['DDIM', () => new DDIMScheduler({ predictionType: 'v_prediction' })],
])('%s on tensors', (_, make) => {
  it.each([
    ['one timestep', 500],
    ['a timestep per item', [500, 100]],
  ] as [string, Timestep][])('agrees with plain arrays at %s', (_, t) => {
    const scheduler = make();
    scheduler.setTimesteps(10);
    const [output, sample, noise] = [numbers(1), numbers(2), numbers(3)];
    const tensor = (values: Float32Array) => tf.tensor4d(values, SHAPE);
    const array = scheduler.step(output, t, sample, { noise, shape: SHAPE, eta: 1 });
    const result = scheduler.step(tensor(output), t, tensor(sample), { noise: tensor(noise), eta: 1 });
    expect(result.prevSample.shape).toEqual(SHAPE);
    expect(result.prevSample).toBeAllClose(array.prevSample, { rtol: 1e-5, atol: 1e-5 });
    expect(result.predOriginalSample).toBeAllClose(array.predOriginalSample, { rtol: 1e-5, atol: 1e-5 });
    expect(scheduler.addNoise(tensor(output), tensor(noise), t)).toBeAllClose(scheduler.addNoise(output, noise, t), {
      atol: 1e-5,
    });
    expect(scheduler.getVelocity(tensor(output), tensor(noise), t)).toBeAllClose(
      scheduler.getVelocity(output, noise, t),
      { atol: 1e-5 },
    );
  });

  it('leaks nothing', async () => {
    const scheduler = make();
    scheduler.setTimesteps(10);
    const sample = tf.tensor4d(numbers(1), SHAPE);
    await expect(() => {
      const result = scheduler.step(sample, 500, sample, { generator: createGenerator(0), eta: 1 });
      tf.dispose([result.prevSample, result.predOriginalSample]);
      tf.dispose([scheduler.addNoise(sample, sample, [3, 4]), scheduler.getVelocity(sample, sample, 5)]);
    }).toLeakNoTensors();
  });
});

it('splits a learned variance off the channels of a tensor', () => {
  const scheduler = new DDPMScheduler({ varianceType: 'learned_range' });
  const [output, sample, noise] = [numbers(1, 192), numbers(2), numbers(3)];
  const array = scheduler.step(output, 500, sample, { noise, shape: SHAPE });
  const result = scheduler.step(tf.tensor4d(output, [2, 4, 4, 6]), 500, tf.tensor4d(sample, SHAPE), {
    noise: tf.tensor4d(noise, SHAPE),
  });
  expect(result.prevSample).toBeAllClose(array.prevSample, { rtol: 1e-5, atol: 1e-5 });
});

it('lets gradients through a step', () => {
  const scheduler = new DDIMScheduler({ clipSample: false });
  scheduler.setTimesteps(10);
  const sample = tf.tensor4d(numbers(1), SHAPE);
  const gradient = tf.grad((x) => tf.sum(scheduler.step(x, 500, sample).prevSample))(tf.zeros(SHAPE));
  const [a, b] = [scheduler.alphasCumprod[500]!, scheduler.alphasCumprod[400]!];
  const expected = Math.sqrt(1 - b) - Math.sqrt((b / a) * (1 - a));
  expect(gradient).toBeAllClose(new Float32Array(96).fill(expected), { atol: 1e-5 });
});

it('refuses tensors of different shapes', () => {
  const scheduler = new DDPMScheduler();
  expect(() => scheduler.step(tf.zeros([2, 4, 4, 1]), 5, tf.zeros(SHAPE))).toThrow(/\[2, 4, 4, 1\].*\[2, 4, 4, 3\]/);
});
