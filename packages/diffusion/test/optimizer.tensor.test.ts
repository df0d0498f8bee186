import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { Adam, clipByGlobalNorm, Ema, emaDecay, learningRateAt, type LearningRateSchedule } from '../src/index.ts';
// Made by tools/reference/diffusion/optimizer_numbers.py with PyTorch and diffusers.
import golden from './fixtures/optimizer.json' with { type: 'json' };

describe('Adam', () => {
  it.each([
    ['adam', 'torch.optim.Adam', {}],
    ['adamw', 'torch.optim.AdamW', { betas: [0.8, 0.95], epsilon: 1e-6, weightDecay: 0.3 }],
  ] as const)('follows %s (%s)', (name, _peer, options) => {
    const { start, target, path } = golden[name];
    const adam = new Adam(start.length, options);
    let weights = tf.tensor1d(start);
    for (const expected of path) {
      const gradient: tf.Tensor1D = tf.tidy(() => tf.mul(tf.sub(weights, target), 2));
      const next = adam.update(weights, gradient, 0.1);
      tf.dispose([weights, gradient]);
      weights = next;
      expect(weights).toBeAllClose(expected, { rtol: 1e-5, atol: 2e-6 });
    }
    adam.dispose();
    weights.dispose();
  });

  it('goes on from its state, and leaks nothing', async () => {
    await expect(async () => {
      const [gradient, weights] = [tf.tensor1d([0.5, -1]), tf.tensor1d([1, 2])];
      const [adam, resumed] = [new Adam(2), new Adam(2)];
      adam.update(weights, gradient, 0.1).dispose();
      const { count, first, second } = adam.state();
      resumed.restore({ count, first: first.dataSync() as Float32Array, second: second.dataSync() as Float32Array });
      const [a, b] = [adam.update(weights, gradient, 0.1), resumed.update(weights, gradient, 0.1)];
      expect([...b.dataSync()]).toEqual([...a.dataSync()]);
      tf.dispose([gradient, weights, a, b]);
      adam.dispose();
      resumed.dispose();
    }).toLeakNoTensors();
  });
});

describe('clipByGlobalNorm', () => {
  it.each(golden.clipping)('equals torch.nn.utils.clip_grad_norm_ at norm $norm', ({ gradient, norm, clipped }) => {
    const result = tf.tidy(() => clipByGlobalNorm(tf.tensor1d(gradient), 1));
    expect(result.norm).toBeAllClose(norm);
    expect(result.clipped).toBeAllClose(clipped);
    tf.dispose(result);
  });
});

describe('Ema', () => {
  it.each(golden.ema)('has the decays of diffusers.EMAModel with $options', ({ options, decays }) => {
    const renamed = Object.fromEntries(
      Object.entries(options).map(([key, value]) => [key.replace(/_(.)/g, (_, c: string) => c.toUpperCase()), value]),
    );
    expect(decays.map((_, i) => emaDecay(i + 1, renamed))).toBeAllClose(decays, { rtol: 1e-12 });
  });

  it('averages as its decays say, and leaks nothing', async () => {
    await expect(() => {
      const start = tf.tensor1d([0, 0]);
      const ema = new Ema(start);
      let expected = 0;
      for (let update = 1; update <= 4; update++) {
        const weights: tf.Tensor1D = tf.fill([2], update);
        ema.update(weights);
        weights.dispose();
        expected = emaDecay(update) * expected + (1 - emaDecay(update)) * update;
      }
      expect(ema.state().average).toBeAllClose([expected, expected]);
      start.dispose();
      ema.dispose();
    }).toLeakNoTensors();
  });
});

describe('learningRateAt', () => {
  it.each(golden.rates)("equals diffusers' $schedule schedule", ({ schedule, rates }) => {
    const options = { learningRate: 0.5, schedule: schedule as LearningRateSchedule, warmupSteps: 4, totalSteps: 20 };
    expect(rates.map((_, step) => learningRateAt(step, options))).toBeAllClose(rates, { rtol: 1e-12 });
  });

  it('keeps the rate until the last steps of warmup_stable_decay, where half a cosine takes it to 0', () => {
    const options = {
      learningRate: 2,
      schedule: 'warmup_stable_decay',
      warmupSteps: 2,
      decaySteps: 4,
      totalSteps: 10,
    } as const;
    const rates = [0, 1, 2, 2, 2, 2, 2, 1 + Math.SQRT1_2, 1, 1 - Math.SQRT1_2, 0];
    expect(rates.map((_, step) => learningRateAt(step, options))).toBeAllClose(rates, { atol: 1e-12 });
  });

  it('refuses unknown schedules', () => {
    const options = { learningRate: 1, schedule: 'cosin' as 'cosine', totalSteps: 1 };
    expect(() => learningRateAt(0, options)).toThrow(expect.objectContaining({ code: 'DIFFUSION_UNKNOWN_SCHEDULE' }));
  });
});
