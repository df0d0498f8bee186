import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import {
  Adam,
  applyUpdate,
  clipByGlobalNorm,
  clippingScale,
  Ema,
  emaDecay,
  FlatParameters,
  learningRateAt,
  vectorNorm,
  type AdamOptions,
  type EmaOptions,
  type LearningRateSchedule,
} from '../src/index.ts';
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

describe('applyUpdate', () => {
  it.each([
    ['adam', 'torch.optim.Adam', {}],
    ['adamw', 'torch.optim.AdamW', { betas: [0.8, 0.95], epsilon: 1e-6, weightDecay: 0.3 }],
  ] as const)('follows %s (%s), and averages what comes of it', (name, _peer, options) => {
    const { start, target, path } = golden[name];
    const { parameters, adam, emas, dispose } = made(start, options, [{ decay: 0.9 }, { decay: 0.2 }]);
    const averages = emas.map(() => [...start]);
    for (const [i, expected] of path.entries()) {
      tf.tidy(() => {
        // Three times too long, and clipped to a third.
        const gradient: tf.Tensor1D = tf.mul(tf.sub(parameters.read(), target), 6);
        applyUpdate({ parameters, adam, emas }, gradient, numbersOf(adam, emas, 1 / 3));
        expect(parameters.read()).toBeAllClose(expected, { rtol: 1e-5, atol: 2e-6 });
        for (const [k, ema] of emas.entries()) {
          const decay = emaDecay(i + 1, { decay: [0.9, 0.2][k]! });
          averages[k] = averages[k]!.map((old, j) => decay * old + (1 - decay) * expected[j]!);
          expect(ema.state().average).toBeAllClose(averages[k], { rtol: 1e-5, atol: 2e-6 });
        }
      });
    }
    dispose();
  });

  it('needs no average', () => {
    const { parameters, adam, dispose } = made([1, 2, 3], {}, []);
    tf.tidy(() => {
      const numbers = { scale: tf.scalar(1), coefficients: adam.coefficients(0.1), decays: tf.tensor1d([]) };
      applyUpdate({ parameters, adam, emas: [] }, tf.tensor1d([5, -5, 0]), numbers);
      expect(parameters.read()).toBeAllClose([0.9, 2.1, 3]);
    });
    dispose();
  });

  it('gives what single operations give', () => {
    const run = () => {
      const start = Array.from({ length: 1000 }, (_, i) => Math.sin(i));
      const { parameters, adam, emas, dispose } = made(start, { weightDecay: 0.1 }, [{}]);
      for (let i = 0; i < 5; i++) {
        const gradient: tf.Tensor1D = tf.tidy(() => tf.sin(tf.mul(parameters.read(), i + 1)));
        tf.tidy(() => applyUpdate({ parameters, adam, emas }, gradient, numbersOf(adam, emas, 0.5)));
        gradient.dispose();
      }
      const { first, second } = adam.state();
      const all = tf.tidy(() => tf.concat1d([parameters.read(), first, second, emas[0]!.state().average]).dataSync());
      dispose();
      return all;
    };
    const once = run();
    const kernel = tf.getKernel('AdamUpdate', tf.getBackend()) as tf.KernelConfig | undefined;
    if (kernel !== undefined) tf.unregisterKernel('AdamUpdate', tf.getBackend());
    try {
      // Of numbers up to 1, so that differences of them have this.
      expect(run()).toBeAllClose(once, { rtol: 0, atol: 1e-6 });
    } finally {
      if (kernel !== undefined) tf.registerKernel(kernel);
    }
  });

  it('refuses what is of another size, and leaks nothing', async () => {
    const { parameters, adam, emas, dispose } = made([1, 2, 3], {}, [{}]);
    const updated = { parameters, adam, emas };
    const refused = { code: 'DIFFUSION_STATE_MISMATCH', message: expect.stringContaining('gradient') as string };
    await expect(() =>
      tf.tidy(() => {
        const numbers = numbersOf(adam, emas, 1);
        expect(() => applyUpdate(updated, tf.ones<tf.Rank.R1>([4]), numbers)).toThrow(expect.objectContaining(refused));
        expect(() => applyUpdate({ ...updated, emas: [] }, tf.ones<tf.Rank.R1>([3]), numbers)).toThrow(
          expect.objectContaining({ ...refused, message: expect.stringContaining('decays') as string }),
        );
        applyUpdate(updated, tf.ones<tf.Rank.R1>([3]), numbers);
      }),
    ).toLeakNoTensors();
    dispose();
  });

  /** Parameters of two tensors, with their optimiser and averages. */
  function made(start: number[], options: AdamOptions, averages: EmaOptions[]) {
    const variables = [tf.variable(tf.tensor1d(start.slice(0, 1))), tf.variable(tf.tensor2d([start.slice(1)]))];
    const parameters = new FlatParameters(variables.map((variable, i) => ({ name: `${i}`, variable })));
    const adam = new Adam(start.length, options);
    const weights = parameters.read();
    const emas = averages.map((each) => new Ema(weights, each));
    weights.dispose();
    const dispose = () => [...variables, adam, ...emas].forEach((each) => each.dispose());
    return { parameters, adam, emas, dispose };
  }

  function numbersOf(adam: Adam, emas: Ema[], scale: number) {
    const decays = tf.stack(emas.map((ema) => ema.decay())) as tf.Tensor1D;
    return { scale: tf.scalar(scale), coefficients: adam.coefficients(0.1), decays };
  }
});

describe('vectorNorm', () => {
  it('is the length of a vector, leaks nothing, and clips', async () => {
    const values = Float32Array.from({ length: 100_000 }, (_, i) => Math.sin(i));
    const vector = tf.tensor1d(values);
    const norm = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
    expect(vectorNorm(vector)).toBeAllClose(norm, { rtol: 1e-5, atol: 0 });
    await expect(() => vectorNorm(vector).dispose()).toLeakNoTensors();
    vector.dispose();
    expect(clippingScale(norm, 1)).toBeCloseTo(1 / norm, 8);
    expect(clippingScale(0.5, 1)).toBe(1);
    expect(clippingScale(0, 1)).toBe(1);
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
