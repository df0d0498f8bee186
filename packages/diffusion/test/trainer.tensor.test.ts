import { createGenerator } from '@missing-u/random';
import { DDPMScheduler } from '@missing-u/schedulers';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { Trainer, type TrainableDenoiser, type TrainerOptions, type TrainingScheduler } from '../src/index.ts';

/** eps = a * x + b: small enough that the best parameters are known. */
function affineDenoiser(): TrainableDenoiser & { dispose(): void } {
  const variables = tf.tidy(() => ({ a: tf.variable(tf.scalar(0)), b: tf.variable(tf.scalar(0)) }));
  return {
    predict: (sample) => tf.tidy(() => tf.add(tf.mul(sample, variables.a), variables.b)),
    parameters: () => Object.entries(variables).map(([name, variable]) => ({ name, variable })),
    dispose: () => tf.dispose(variables),
  };
}

function makeTrainer(denoiser: TrainableDenoiser, options: Partial<TrainerOptions> = {}): Trainer {
  const scheduler = new DDPMScheduler() as unknown as TrainingScheduler;
  return new Trainer({ denoiser, scheduler, seed: 1, learningRate: 0.05, totalSteps: 100, ...options });
}

/** Images of standard normal pixels: then x_t is standard normal for every t, and E[eps | x_t] = sqrt(1 - abar_t) x_t. */
function normalImages(seed: number): tf.Tensor4D {
  return tf.tensor4d(createGenerator(seed).fillNormal(new Float32Array(64 * 16)), [64, 4, 4, 1]);
}

async function steps(trainer: Trainer, count: number): Promise<number[]> {
  const losses: number[] = [];
  for (let i = 0; i < count; i++) {
    const images = normalImages(trainer.step);
    losses.push((await trainer.trainStep({ images })).loss);
    images.dispose();
  }
  return losses;
}

describe('Trainer', () => {
  it('finds the best affine denoiser of normal images: a = mean of sqrt(1 - abar), b = 0', async () => {
    const denoiser = affineDenoiser();
    const trainer = makeTrainer(denoiser, { schedule: 'linear', ema: { decay: 0.9 } });
    await steps(trainer, 100);
    let product = 1;
    let best = 0;
    for (let i = 0; i < 1000; i++) {
      product *= 1 - (1e-4 + (i * (0.02 - 1e-4)) / 999);
      best += Math.sqrt(1 - product) / 1000;
    }
    trainer.useEma();
    const [a, b] = denoiser.parameters().map(({ variable }) => variable.dataSync()[0]!);
    expect(a).toBeAllClose(best, { atol: 0.02 });
    expect(b).toBeAllClose(0, { atol: 0.02 });
    trainer.dispose();
    denoiser.dispose();
  });

  it('continues from its state with the very losses of a run that was not interrupted', async () => {
    const [one, two] = [affineDenoiser(), affineDenoiser()];
    const [whole, resumed] = [makeTrainer(one), makeTrainer(two)];
    await steps(whole, 3);
    two.parameters().forEach(({ variable }, i) => variable.assign(one.parameters()[i]!.variable));
    resumed.restore(await whole.state());
    expect(resumed.step).toBe(3);
    expect(await steps(resumed, 3)).toEqual(await steps(whole, 3));
    for (const owned of [whole, resumed, one, two]) owned.dispose();
  });

  it('takes the same steps compiled and as they are', async () => {
    const [one, two] = [affineDenoiser(), affineDenoiser()];
    const [compiled, plain] = [makeTrainer(one), makeTrainer(two, { compile: false })];
    expect(await steps(compiled, 5)).toBeAllClose(await steps(plain, 5), { rtol: 1e-5 });
    expect((await compiled.state()).ema[0]!.average).toBeAllClose((await plain.state()).ema[0]!.average, {
      rtol: 1e-5,
    });
    expect(plain.stats.gradient).toMatchObject({ mode: 'eager', calls: 5, graphs: [] });
    for (const owned of [compiled, plain, one, two]) owned.dispose();
  });

  it('leaks nothing', async () => {
    await expect(async () => {
      const denoiser = affineDenoiser();
      const trainer = makeTrainer(denoiser);
      await steps(trainer, 2);
      trainer.dispose();
      denoiser.dispose();
    }).toLeakNoTensors();
  });

  it('refuses a loss that is not finite before it updates anything', async () => {
    const denoiser = affineDenoiser();
    const trainer = makeTrainer(denoiser);
    const images: tf.Tensor4D = tf.fill([1, 4, 4, 1], NaN);
    await expect(trainer.trainStep({ images })).rejects.toMatchObject({ code: 'DIFFUSION_LOSS_NOT_FINITE' });
    expect(trainer.step).toBe(0);
    expect(denoiser.parameters()[0]!.variable).toBeAllClose([0]);
    tf.dispose(images);
    trainer.dispose();
    denoiser.dispose();
  });

  it('refuses the state of another network', async () => {
    const denoiser = affineDenoiser();
    const trainer = makeTrainer(denoiser);
    const state = await trainer.state();
    const other = { ...state, ema: [{ updates: 0, average: new Float32Array(3) }] };
    expect(() => trainer.restore(other)).toThrow(expect.objectContaining({ code: 'DIFFUSION_STATE_MISMATCH' }));
    trainer.dispose();
    denoiser.dispose();
  });
});
