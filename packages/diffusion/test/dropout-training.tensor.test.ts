import { DDPMScheduler } from '@missing-u/schedulers';
import type { UNet2DModel } from '@missing-u/unet-blocks';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Trainer, type TrainableDenoiser, type TrainerOptions } from '../src/index.ts';
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

  it('is on where the network has it, compiled or not', async () => {
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

  it('gives other draws in each step, to any network that takes them, and beside labels', async () => {
    const network = smallNetwork(8, 3, { dropout: 0.5 });
    const images: tf.Tensor4D = tf.ones([2, 8, 8, 1]);
    const given: Float32Array[] = [];
    const without: TrainableDenoiser = {
      predict: (...inputs) => network.predict(...inputs),
      parameters: () => network.parameters(),
    };
    const denoiser: TrainableDenoiser = {
      ...without,
      dropoutSize: (work) => network.dropoutSize(work),
      withDropout: (draws, work) => {
        given.push(draws.dataSync<'float32'>());
        return network.withDropout(draws, work);
      },
    };
    const lossOf = async (denoiser: TrainableDenoiser) => {
      const classConditioning = { nullLabel: 2 };
      const rates = { learningRate: 0, totalSteps: 10, compile: false };
      const trainer = new Trainer({ denoiser, scheduler: new DDPMScheduler(), classConditioning, seed: 0, ...rates });
      const batch = { images, labels: [0, 1] };
      const found = [(await trainer.trainStep(batch)).loss, (await trainer.trainStep(batch)).loss];
      trainer.dispose();
      return found;
    };
    expect(await lossOf(denoiser)).toEqual(await lossOf(network));
    expect(await lossOf(denoiser)).not.toEqual(await lossOf(without));
    expect(given[1]).not.toEqual(given[0]);
    for (const draws of given) {
      expect(draws.every((draw) => draw >= 0 && draw < 1)).toBe(true);
      expect(draws.reduce((sum, draw) => sum + draw, 0) / draws.length).toBeCloseTo(0.5, 1);
    }
    network.dispose();
    images.dispose();
  });
});
