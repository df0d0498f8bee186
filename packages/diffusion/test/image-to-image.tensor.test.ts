import {
  DDPMScheduler,
  DPMSolverSDEScheduler,
  HeunDiscreteScheduler,
  KDPM2AncestralDiscreteScheduler,
  KDPM2DiscreteScheduler,
  PNDMScheduler,
} from '@missing-u/schedulers';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { DiffusionPipeline, imageToImage, type Denoiser, type SamplingScheduler } from '../src/index.ts';

const chain = { betaStart: 1e-4, betaEnd: 0.02 };

/** The exact denoiser of a world with one image, grey all over, and how often it was asked. */
function oneGrey(): { unet: Denoiser; calls: () => number } {
  const { alphasCumprod } = new DDPMScheduler(chain);
  let calls = 0;
  const predict = (sample: tf.Tensor4D, timestep: unknown): tf.Tensor4D => {
    calls += 1;
    const alpha = alphasCumprod[Math.round(timestep as number)]!;
    return tf.tidy(() => tf.div(tf.sub(sample, Math.sqrt(alpha) * 0.5), Math.sqrt(1 - alpha)));
  };
  return { unet: { predict }, calls: () => calls };
}

async function paint(scheduler: SamplingScheduler, numInferenceSteps: number, strength: number) {
  const images: tf.Tensor4D = tf.fill([1, 4, 4, 1], 0.9);
  const { unet, calls } = oneGrey();
  const options = { images, strength, numInferenceSteps, generator: 1 };
  try {
    const result = await imageToImage(new DiffusionPipeline({ unet, scheduler }), options);
    const pixels = Array.from(await result.data());
    result.dispose();
    return { pixels, calls: calls() };
  } finally {
    images.dispose();
  }
}

describe('imageToImage', () => {
  it.each([
    ['Heun', () => new HeunDiscreteScheduler(chain)],
    ['KDPM2', () => new KDPM2DiscreteScheduler(chain)],
    ['KDPM2 ancestral', () => new KDPM2AncestralDiscreteScheduler(chain)],
    ['DPM-Solver++ SDE', () => new DPMSolverSDEScheduler(chain)],
  ])('takes whole steps of %s, which has two timesteps for each', async (_, make) => {
    for (const [steps, strength, expected] of [
      [5, 0.5, 3], // the last two of five steps, of which the last is done by one call
      [10, 0.5, 9],
      [10, 0.9, 17],
    ] as const) {
      const { pixels, calls } = await paint(make(), steps, strength);
      expect(calls).toBe(expected);
      expect(pixels).toBeAllClose(new Array<number>(16).fill(0.75), { atol: 2e-3 });
    }
  });

  it('refuses to begin within the Runge-Kutta steps of PNDM, whose multistep part it can begin', async () => {
    const bad = { code: 'DIFFUSION_BAD_STRENGTH', message: expect.stringContaining('skipPrkSteps') };
    await expect(async () => {
      await expect(paint(new PNDMScheduler(chain) as never, 10, 0.5)).rejects.toMatchObject(bad);
    }).toLeakNoTensors();
    expect((await paint(new PNDMScheduler(chain) as never, 10, 1)).calls).toBe(19);
    expect((await paint(new PNDMScheduler({ ...chain, skipPrkSteps: true }) as never, 50, 0.8)).calls).toBe(41);
  });
});
