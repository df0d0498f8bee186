import { DDPMScheduler } from '@missing-u/schedulers';
import type { UNet2DModel } from '@missing-u/unet-blocks';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Trainer, type TrainerOptions } from '../src/index.ts';
import { smallNetwork } from './small-network.ts';

/** Losses of steps on the same images, given whole or in parts. */
async function losses(
  denoiser: UNet2DModel,
  { parts = 1, steps = 2, ...options }: Partial<TrainerOptions> & { parts?: number; steps?: number } = {},
): Promise<number[]> {
  const images = tf.randomUniform<tf.Rank.R4>([4, 8, 8, 1], -1, 1, 'float32', 5);
  const batches = tf.split<tf.Tensor4D>(images, parts).map((images) => ({ images }));
  const scheduler = new DDPMScheduler();
  // Without a step of the weights, only the draws differ from one step to the next.
  const trainer = new Trainer({ denoiser, scheduler, seed: 3, learningRate: 0, totalSteps: 10, ...options });
  const found: number[] = [];
  try {
    for (let i = 0; i < steps; i++) found.push((await trainer.trainStep(batches)).loss);
    return found;
  } finally {
    trainer.dispose();
    tf.dispose([images, batches.map(({ images }) => images)]);
  }
}

describe('dropout in training', () => {
  let plain: UNet2DModel;
  let dropping: UNet2DModel;
  beforeAll(() => {
    plain = smallNetwork(8, null);
    dropping = smallNetwork(8, null, { dropout: 0.5 });
  });
  afterAll(() => {
    plain.dispose();
    dropping.dispose();
  });

  it('is on where the network has it, with draws of its own in each step, compiled or not', async () => {
    const [without, compiled, eager] = [
      await losses(plain),
      await losses(dropping),
      await losses(dropping, { compile: false }),
    ];
    expect(compiled).toBeAllClose(eager, { rtol: 1e-4 });
    for (const [i, loss] of compiled.entries()) expect(Math.abs(loss / without[i]! - 1)).toBeGreaterThan(1e-3);
  });

  it('drops out the same of an image in whichever part of a batch it is', async () => {
    expect(await losses(dropping, { parts: 2 })).toBeAllClose(await losses(dropping), { rtol: 1e-4 });
  });

  it('is as it was after training, and leaks nothing', async () => {
    const x: tf.Tensor4D = tf.ones([1, 8, 8, 1]);
    const predict = () => tf.tidy(() => dropping.predict(x, 3).dataSync());
    const before = predict();
    await expect(async () => void (await losses(dropping))).toLeakNoTensors();
    expect(predict()).toEqual(before);
    x.dispose();
  });

  it('works with classes, and with other networks than those of this project', async () => {
    const denoiser = smallNetwork(8, 3, { dropout: 0.5 });
    const images: tf.Tensor4D = tf.ones([2, 8, 8, 1]);
    const trainer = new Trainer({
      denoiser: {
        predict: (...inputs) => denoiser.predict(...inputs),
        parameters: () => denoiser.parameters(),
        dropoutSize: (work) => denoiser.dropoutSize(work),
        withDropout: (draws, work) => denoiser.withDropout(draws, work),
      },
      scheduler: new DDPMScheduler(),
      classConditioning: { nullLabel: 2 },
      seed: 0,
      learningRate: 0,
      totalSteps: 10,
    });
    const { loss } = await trainer.trainStep({ images, labels: [0, 1] });
    expect(loss).toBeGreaterThan(0);
    trainer.dispose();
    denoiser.dispose();
    images.dispose();
  });
});
