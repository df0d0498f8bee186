import { CUNet } from '@missing-u/cunet';
import { useEngine } from '@missing-u/engine';
import { findInstallations } from '@missing-u/engine/node';
import { createGenerator } from '@missing-u/random';
import { DDPMScheduler } from '@missing-u/schedulers';
import { UNet } from '@missing-u/unet-blocks';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { Trainer, type TrainableDenoiser, type TrainingScheduler } from '../src/index.ts';
// Made by tools/reference/diffusion/training_inputs.mjs and training.py with PyTorch.
import golden from './fixtures/training.json' with { type: 'json' };

const [batch, side] = [4, 16];
const installed = (await findInstallations()).some(({ fault }) => fault === undefined);
await useEngine(installed ? 'native' : 'wasm', { threads: 1 });

/** Waves of random direction and phase in [-1, 1], as in training_inputs.mjs. */
function picturesOf(step: number): tf.Tensor4D {
  const random = createGenerator(11).fork(step);
  const values = new Float32Array(batch * side * side);
  for (let i = 0; i < batch; i++) {
    const [a, b, phase] = [random.uniform(), random.uniform(), 6 * random.uniform()];
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++) values[(i * side + y) * side + x] = Math.sin(a * x + b * y + phase);
    }
  }
  return tf.tensor4d(values, [batch, side, side, 1]);
}

type Network = TrainableDenoiser & { dispose(): void };
const cunet = (activation: 'relu' | 'silu') => () =>
  new CUNet({ inChannels: 1, channels: 8, imageSize: side, seed: 1, activation });
const unet = () => new UNet({ preset: 'lucidrains', inChannels: 1, dim: 8, imageSize: side, seed: 1 });
const cases: [name: keyof typeof golden, make: () => Network, predictionType: 'epsilon' | 'v_prediction'][] = [
  ['cunet, smooth', cunet('silu'), 'epsilon'],
  ['cunet, ReLU', cunet('relu'), 'epsilon'],
  ['unet', unet, 'epsilon'],
  ['unet, velocity', unet, 'v_prediction'],
];

describe('a training', () => {
  it.each(cases)("has the losses of PyTorch's: %s", { timeout: 600_000 }, async (name, make, predictionType) => {
    const { losses, agreed } = golden[name];
    // With ReLU PyTorch's own float32 and float64 part after a few steps: training.py says why.
    expect(agreed).toBe(name === 'cunet, ReLU' ? 5 : losses.length);
    const denoiser = make();
    const scheduler = new DDPMScheduler({ predictionType }) as unknown as TrainingScheduler;
    const schedule = 'constant_with_warmup';
    const trainer = new Trainer({
      ...{ learningRate: 1e-3, schedule, warmupSteps: 10, totalSteps: losses.length, seed: 7 },
      denoiser,
      scheduler,
    });
    const differences: number[] = [];
    for (const [step, loss] of losses.slice(0, agreed).entries()) {
      const images = picturesOf(step);
      const made = await trainer.trainStep({ images });
      images.dispose();
      differences.push(Math.abs(made.loss / loss - 1));
    }
    expect(Math.max(...differences)).toBeLessThan(1e-3);
    trainer.dispose();
    denoiser.dispose();
  });
});
