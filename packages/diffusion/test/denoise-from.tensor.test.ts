import { createGenerator } from '@missing-u/random';
import { DDPMScheduler } from '@missing-u/schedulers';
import { UNet } from '@missing-u/unet-blocks';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { denoiseFrom, type Denoiser, type DenoiseFromOptions, type Measure } from '../src/index.ts';

const mse: Measure = { compute: (a, b) => tf.mean(tf.square(tf.sub(a, b)), [1, 2, 3]), better: 'lower' };

let product = 1;
const alphaBar = Array.from({ length: 1000 }, (_, i) => (product *= 1 - (1e-4 + (i * (0.02 - 1e-4)) / 999)));

/** The best denoiser of images whose pixels are all 0.5: it takes everything else for noise. */
const knowing: Denoiser = {
  predict(sample, t) {
    const abar = alphaBar[t as number]!;
    return tf.tidy(() => tf.div(tf.sub(sample, 0.5 * Math.sqrt(abar)), Math.sqrt(1 - abar)));
  },
};

function denoise(images: tf.Tensor4D, options: Partial<DenoiseFromOptions> = {}) {
  const scheduler = new DDPMScheduler() as unknown as DenoiseFromOptions['scheduler'];
  const generator = createGenerator(2);
  return denoiseFrom({ unet: knowing, scheduler, images, steps: 20, generator, measures: { mse }, ...options });
}

describe('denoiseFrom', () => {
  it('noises as the forward process does, and reaches the clean images with a denoiser that knows them', async () => {
    const images: tf.Tensor4D = tf.fill([3, 16, 16, 1], 0.5);
    const { noisy, steps, best } = await denoise(images);
    // E |x_t - x_0|^2 = (1 - sqrt(abar))^2 x_0^2 + 1 - abar, at the paper's t = 20, which is index 19.
    const expected = (1 - Math.sqrt(alphaBar[19]!)) ** 2 * 0.25 + 1 - alphaBar[19]!;
    for (const value of noisy['mse']!) expect(value).toBeAllClose(expected, { rtol: 0.4 });
    expect(steps.map(({ timestep }) => timestep)).toEqual(Array.from({ length: 20 }, (_, i) => 19 - i));
    expect(steps.at(-1)!.values['mse']).toBeAllClose([0, 0, 0], { atol: 1e-6 });
    expect(best['mse']!.step).toBe(20);
    expect(best['mse']!.seconds).toBeAllClose(steps.at(-1)!.seconds);
    images.dispose();
  });

  it('noises a part of a set as in the whole set', async () => {
    const images: tf.Tensor4D = tf.fill([3, 4, 4, 1], 0.5);
    const rest = tf.slice(images, [1, 0, 0, 0], [2, 4, 4, 1]);
    const [whole, part] = [await denoise(images, { steps: 2 }), await denoise(rest, { steps: 2, first: 1 })];
    expect(part.noisy['mse']).toBeAllClose(whole.noisy['mse']!.subarray(1), { rtol: 1e-6 });
    tf.dispose([images, rest]);
  });

  it('finds the best step of each image, and the time to it', async () => {
    const images: tf.Tensor4D = tf.fill([2, 4, 4, 1], 0.5);
    const compute = (): tf.Tensor1D => tf.tensor1d([call === 3 ? 9 : 0, call++ === 5 ? 7 : 0]);
    let call = 0;
    const { steps, best } = await denoise(images, { steps: 6, measures: { score: { compute, better: 'higher' } } });
    expect(best['score']).toMatchObject({ value: 8, step: 4 });
    expect(best['score']!.seconds).toBeAllClose((steps[2]!.seconds + steps[4]!.seconds) / 2);
    images.dispose();
  });

  it('adds noise on demand, leaks nothing, also when the denoiser throws', async () => {
    const images: tf.Tensor4D = tf.fill([1, 4, 4, 1], 0.5);
    const [plain, noisy] = [await denoise(images), await denoise(images, { addNoise: true })];
    expect(noisy.steps[5]!.values['mse']).not.toBeAllClose(plain.steps[5]!.values['mse']!, { rtol: 1e-3 });
    await expect(() => denoise(images, { steps: 3 })).toLeakNoTensors();
    const unet: Denoiser = {
      predict: () => {
        throw new Error('broken');
      },
    };
    await expect(() => expect(denoise(images, { unet })).rejects.toThrow('broken')).toLeakNoTensors();
    images.dispose();
  });

  it('denoises with a network of this project as a graph or as it is, and frees the graph', async () => {
    const unet = new UNet({ inChannels: 1, dim: 8, dimMults: [1], imageSize: 8, seed: 0 });
    const images: tf.Tensor4D = tf.fill([2, 8, 8, 1], 0.5);
    const [graph, plain] = [await denoise(images, { unet }), await denoise(images, { unet, compile: false })];
    for (const [i, { values, seconds }] of graph.steps.entries()) {
      expect(values['mse']).toBeAllClose(plain.steps[i]!.values['mse']!, { rtol: 1e-4 });
      expect(seconds).toBeGreaterThan(0);
    }
    await expect(() => denoise(images, { unet, steps: 2 })).toLeakNoTensors();
    images.dispose();
    unet.dispose();
  });

  it('refuses step counts outside the chain', async () => {
    const images: tf.Tensor4D = tf.zeros([1, 4, 4, 1]);
    for (const steps of [0, 1001, 2.5]) {
      await expect(denoise(images, { steps })).rejects.toMatchObject({ code: 'DIFFUSION_BAD_COUNT' });
    }
    images.dispose();
  });

  it('waits for denoisers that answer with a promise', async () => {
    const images: tf.Tensor4D = tf.fill([2, 4, 4, 1], 0.5);
    const unet = { predict: (x: tf.Tensor4D, t: number) => Promise.resolve(knowing.predict(x, t)), asynchronous: true };
    const [promised, plain] = [await denoise(images, { unet: unet as never }), await denoise(images)];
    expect(promised.steps.at(-1)!.values).toEqual(plain.steps.at(-1)!.values);
    await expect(() => denoise(images, { unet: unet as never, steps: 2 })).toLeakNoTensors();
    images.dispose();
  });

  it.each([
    ['nothing', () => undefined],
    ['another shape', () => tf.zeros([1, 2, 2, 1])],
    ['numbers that are not finite', (x: tf.Tensor) => tf.mul(x, NaN)],
    ['a promise of another shape', () => Promise.resolve(1)],
  ])('refuses denoisers that answer %s, and leaks nothing', async (_, predict) => {
    const images: tf.Tensor4D = tf.fill([1, 4, 4, 1], 0.5);
    const refused = () => denoise(images, { unet: { predict } as never });
    await expect(async () => {
      await expect(refused()).rejects.toMatchObject({ code: 'DIFFUSION_BAD_DENOISER_OUTPUT' });
    }).toLeakNoTensors();
    images.dispose();
  });

  it('frees what a denoiser leaves behind in its steps', async () => {
    const images: tf.Tensor4D = tf.fill([1, 4, 4, 1], 0.5);
    const unet: Denoiser = { predict: (x) => (tf.mul(x, 2), tf.mul<tf.Tensor4D>(x, 0.1)) };
    await expect(() => denoise(images, { unet, steps: 3 })).toLeakNoTensors();
    images.dispose();
  });

  it.each([
    ['int32 ones', () => tf.zeros([1, 4, 4, 1], 'int32')],
    ['single ones', () => tf.zeros([4, 4, 1])],
    ['none', () => undefined],
  ])('refuses images that are %s', async (_, make) => {
    const images = make() as tf.Tensor4D;
    const bad = { code: 'DIFFUSION_BAD_IMAGES', message: expect.stringContaining('[-1, 1]') };
    await expect(async () => expect(denoise(images)).rejects.toMatchObject(bad)).toLeakNoTensors();
    tf.dispose(images);
  });
});
