import * as tf from '@tensorflow/tfjs-core';
import { createGenerator } from '@missing-u/random';
import { DDIMInverseScheduler, DDIMScheduler, DDPMScheduler, EulerDiscreteScheduler } from '@missing-u/schedulers';
import { beforeAll, describe, expect, it } from 'vitest';
import { bm3dDenoiser, diffusionDenoiser, type DiffusionModel, type ImageDenoiser } from '../src/index.ts';

let clean: tf.Tensor4D;
beforeAll(() => {
  clean = tf.tensor4d(
    Float32Array.from({ length: 16 }, (_, i) => 0.2 + i / 30),
    [1, 4, 4, 1],
  );
});

describe('diffusionDenoiser', () => {
  /** Knows the noise: eps from the sample and the clean image that it was made of. */
  const oracle = (scheduler: { readonly alphasCumprod: ArrayLike<number> }): DiffusionModel => ({
    predict: (sample, t) =>
      tf.tidy(() => {
        const a = scheduler.alphasCumprod[t]!;
        const x0 = tf.sub(tf.mul(clean, 2), 1);
        return tf.div(tf.sub(sample, tf.mul(x0, Math.sqrt(a))), Math.sqrt(1 - a));
      }),
  });

  it.each([undefined, 5, 1])('finds the clean image with a perfect model in %s steps', async (steps) => {
    const scheduler = new DDIMScheduler();
    const denoiser = diffusionDenoiser(oracle(scheduler), scheduler, steps === undefined ? {} : { steps });
    const noise = tf.tensor4d(createGenerator(0).fillNormal(new Float32Array(16)), [1, 4, 4, 1]);
    const noisy = tf.add<tf.Tensor4D>(clean, tf.mul(noise, 0.05));
    expect(await denoiser.denoise(noisy, { sigma: 0.05 })).toBeAllClose(clean, { atol: 2e-3 });
    await expect(() => (denoiser.denoise(noisy, { sigma: 0.05 }) as tf.Tensor).dispose()).toLeakNoTensors();
  });

  it('takes schedulers that add noise, with a generator, and none that go to noise', async () => {
    const ddpm = new DDPMScheduler();
    const model = oracle(ddpm);
    const denoiser = diffusionDenoiser(model, ddpm, { steps: 10, generator: createGenerator(1) });
    const noise = tf.tensor4d(createGenerator(0).fillNormal(new Float32Array(16)), [1, 4, 4, 1]);
    const noisy = tf.add<tf.Tensor4D>(clean, tf.mul(noise, 0.05));
    expect(await denoiser.denoise(noisy, { sigma: 0.05 })).toBeAllClose(clean, { atol: 2e-3 });
    const without = diffusionDenoiser(model, ddpm, { steps: 10 });
    expect(() => without.denoise(noisy, { sigma: 0.05 })).toThrow(/generator/);
    const inverse = diffusionDenoiser(model, new DDIMInverseScheduler(), { steps: 10 });
    const refused = () => inverse.denoise(noisy, { sigma: 0.05 });
    expect(refused).toThrow(expect.objectContaining({ code: 'DENOISERS_BAD_OPTION' }));
  });

  it('begins at the timestep whose noise is as strong', () => {
    const scheduler = new DDIMScheduler();
    const seen: number[] = [];
    const model: DiffusionModel = { predict: (sample, t) => (seen.push(t), tf.zerosLike(sample)) };
    // Linear betas: noise beside the signal is 0.169 at t = 100 on the scale of 0 to 1 (0.338 on that of -1 to 1).
    void diffusionDenoiser(model, scheduler, { steps: 3 }).denoise(clean, { sigma: 0.169 });
    expect(Math.abs(seen[0]! - 100)).toBeLessThanOrEqual(1);
    expect(seen).toHaveLength(3);
    expect(seen[2]).toBe(0);
  });

  it('gives the image back without noise, and refuses nonsense', async () => {
    const scheduler = new DDIMScheduler();
    const denoiser = diffusionDenoiser(oracle(scheduler), scheduler);
    expect(await denoiser.denoise(clean, { sigma: 0 })).toBeAllClose(clean);
    expect(() => denoiser.denoise(clean, { sigma: -1 })).toThrow(/`sigma` is -1/);
    expect(() => diffusionDenoiser(oracle(scheduler), scheduler, { steps: 0 })).toThrow(/`steps` is 0/);
    const euler = new EulerDiscreteScheduler();
    expect(() => diffusionDenoiser(oracle(scheduler), euler)).toThrow(/`scheduler`.*keep their variance/);
  });
});

it('makes a table of denoisers one loop', async () => {
  const identity: ImageDenoiser = { denoise: (images) => tf.clone(images) };
  const images = tf.zeros<tf.Rank.R4>([2, 12, 12, 1]);
  for (const denoiser of [identity, bm3dDenoiser()]) {
    const result = await denoiser.denoise(images, { sigma: 0 });
    expect(result).toBeAllClose(images);
  }
});
