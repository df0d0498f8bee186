import { CUNet } from '@missing-u/cunet';
import { useEngine } from '@missing-u/engine';
import { createGenerator } from '@missing-u/random';
import { DDPMScheduler } from '@missing-u/schedulers';
import { UNet } from '@missing-u/unet-blocks';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { Trainer, type TrainableDenoiser, type TrainingScheduler } from '../src/index.ts';
// Made by tools/reference/diffusion/training_inputs.mjs and training.py with PyTorch.
import golden from './fixtures/training.json' with { type: 'json' };

const [batch, side] = [4, 16];

beforeAll(() => useEngine('wasm').then(() => undefined));

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

const networks: Record<string, () => TrainableDenoiser & { dispose(): void }> = {
  cunet: () => new CUNet({ inChannels: 1, channels: 8, imageSize: side, seed: 1 }),
  unet: () => new UNet({ preset: 'lucidrains', inChannels: 1, dim: 8, imageSize: side, seed: 1 }),
};

describe('a training', () => {
  it.each(Object.entries(golden))(
    "has the losses of PyTorch's: %s",
    async (name, expected) => {
      const [network, predictionType] = name.split(', ') as [string, 'epsilon' | 'v_prediction'];
      const denoiser = networks[network]!();
      const scheduler = new DDPMScheduler({ predictionType }) as unknown as TrainingScheduler;
      const options = {
        learningRate: 1e-3,
        schedule: 'constant_with_warmup',
        warmupSteps: 10,
        totalSteps: 100,
      } as const;
      const trainer = new Trainer({ ...options, denoiser, scheduler, seed: 7 });
      let worst = 0;
      for (const [step, loss] of expected.entries()) {
        const images = picturesOf(step);
        const made = await trainer.trainStep({ images });
        images.dispose();
        worst = Math.max(worst, Math.abs(made.loss - loss) / loss);
        expect(made.loss, `step ${step + 1}`).toBeAllClose(loss, { rtol: 1e-3, atol: 0 });
      }
      console.log(`${name}: largest relative difference ${worst.toExponential(1)}`);
      trainer.dispose();
      denoiser.dispose();
    },
    300_000,
  );
});
