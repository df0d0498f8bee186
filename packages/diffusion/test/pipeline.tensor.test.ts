import { createGenerator } from '@missing-u/random';
import { DDIMScheduler, DDPMScheduler } from '@missing-u/schedulers';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { DiffusionPipeline, imageToImage, type Denoiser, type SamplingScheduler } from '../src/index.ts';

const imageShape = [4, 4, 1] as const;

/** The exact noise predictor of a world with one image, whose every pixel is `value`: eps = (x - sqrt(abar) x0) / sqrt(1 - abar). */
function oneImageWorld(value: number): Denoiser {
  const betas = Array.from({ length: 1000 }, (_, i) => 1e-4 + (i * (0.02 - 1e-4)) / 999);
  let product = 1;
  const alphaBar = betas.map((beta) => (product *= 1 - beta));
  return {
    predict(sample, timesteps) {
      const abar = alphaBar[timesteps as number]!;
      return tf.tidy(() => tf.div(tf.sub(sample, Math.sqrt(abar) * value), Math.sqrt(1 - abar)));
    },
  };
}

/** Answers something that depends on each pixel only, so that images do not depend on their batch. */
const pixelwise: Denoiser = { predict: (sample) => tf.tidy(() => tf.mul(tf.tanh(sample), 0.7)) };

const ddim = () => new DDIMScheduler() as SamplingScheduler;
const sampleWith = (unet: Denoiser, scheduler: SamplingScheduler, options = {}) =>
  new DiffusionPipeline({ unet, scheduler }).sample({ imageShape, numInferenceSteps: 5, generator: 3, ...options });

describe('DiffusionPipeline', () => {
  it.each([
    ['DDIM', ddim],
    ['DDPM', () => new DDPMScheduler() as SamplingScheduler],
  ])('finds the one image of a one-image world with %s', async (_name, makeScheduler) => {
    const images = await sampleWith(oneImageWorld(0.5), makeScheduler(), { batchSize: 2, numInferenceSteps: 10 });
    expect(images.shape).toEqual([2, 4, 4, 1]);
    expect(images).toBeAllClose(new Array<number>(32).fill(0.75), { atol: 1e-3 });
    images.dispose();
  });

  it('gives the same images in one batch, in several, and in pieces', async () => {
    const scheduler = new DDPMScheduler() as SamplingScheduler; // noise in every step
    const whole = await sampleWith(pixelwise, scheduler, { batchSize: 5 });
    const batched = await sampleWith(pixelwise, scheduler, { batchSize: 5, chunkSize: 2 });
    const piece = await sampleWith(pixelwise, scheduler, { batchSize: 2, first: 3, generator: createGenerator(3) });
    expect(batched).toBeAllClose(whole);
    expect(piece).toBeAllClose(tf.tidy(() => tf.slice(whole, [3], [2])));
    const other = await sampleWith(pixelwise, scheduler, { batchSize: 5, generator: 4 });
    expect(other).not.toBeAllClose(whole, { atol: 0.01 });
    tf.dispose([whole, batched, piece, other]);
  });

  it('lets the denoiser be swapped', async () => {
    const pipeline = new DiffusionPipeline({ unet: pixelwise, scheduler: ddim() });
    pipeline.unet = oneImageWorld(-1);
    const images = await pipeline.sample({ imageShape, numInferenceSteps: 4, generator: 0 });
    expect(images).toBeAllClose(new Array<number>(16).fill(0), { atol: 1e-3 });
    images.dispose();
  });

  it('reports every step, and takes the sample that a callback returns', async () => {
    const seen: number[][] = [];
    const images = await sampleWith(pixelwise, ddim(), {
      batchSize: 2,
      chunkSize: 1,
      numInferenceSteps: 2,
      callbackOnStepEnd: (
        _: DiffusionPipeline,
        step: number,
        timestep: number,
        { sample }: { sample: tf.Tensor4D },
      ) => {
        seen.push([step, timestep]);
        return step === 3 ? { sample: tf.onesLike(sample) } : undefined;
      },
    });
    expect(seen).toEqual([
      [0, 500],
      [1, 0],
      [2, 500],
      [3, 0],
    ]);
    expect(tf.tidy(() => tf.slice(images, [1], [1]))).toBeAllClose(new Array<number>(16).fill(1));
    expect(tf.tidy(() => tf.slice(images, [0], [1]))).not.toBeAllClose(new Array<number>(16).fill(1), { atol: 0.01 });
    images.dispose();
  });

  it('shows the denoising step by step, and can be left early', async () => {
    const pipeline = new DiffusionPipeline({ unet: oneImageWorld(0.5), scheduler: ddim() });
    await expect(async () => {
      const timesteps: number[] = [];
      for await (const step of pipeline.steps({ imageShape, numInferenceSteps: 10, generator: 0 })) {
        timesteps.push(step.timestep);
        expect(step.predOriginalSample).toBeAllClose(new Array<number>(16).fill(0.5), { atol: 5e-3 });
        if (step.index === 2) break;
      }
      expect(timesteps).toEqual([900, 800, 700]);
    }).toLeakNoTensors();
  });

  it('leaks nothing: done, aborted, or with a denoiser that throws', async () => {
    await expect(async () =>
      (await sampleWith(pixelwise, ddim(), { batchSize: 3, chunkSize: 2 })).dispose(),
    ).toLeakNoTensors();
    await expect(async () => {
      const controller = new AbortController();
      const stop = () => controller.abort(new Error('enough'));
      const sampling = sampleWith(pixelwise, ddim(), { signal: controller.signal, callbackOnStepEnd: stop });
      await expect(sampling).rejects.toThrow('enough');
    }).toLeakNoTensors();
    const broken: Denoiser = {
      predict: () => {
        throw new Error('broken');
      },
    };
    await expect(() => expect(sampleWith(broken, ddim())).rejects.toThrow('broken')).toLeakNoTensors();
  });

  it('refuses bad counts and denoisers that answer with another shape', async () => {
    for (const options of [{ batchSize: 0 }, { numInferenceSteps: -1 }, { chunkSize: 1.5 }]) {
      await expect(sampleWith(pixelwise, ddim(), options)).rejects.toMatchObject({ code: 'DIFFUSION_BAD_COUNT' });
    }
    const narrow: Denoiser = { predict: () => tf.zeros([1, 4, 4, 2]) };
    await expect(sampleWith(narrow, ddim())).rejects.toMatchObject({ code: 'DIFFUSION_BAD_DENOISER_OUTPUT' });
  });
});

describe('imageToImage', () => {
  const images = (): tf.Tensor4D => tf.fill([2, 4, 4, 1], 0.2);
  const pipeline = (unet: Denoiser) => new DiffusionPipeline({ unet, scheduler: ddim() });

  it('returns the image at strength 0, and leaves more of it the weaker it is', async () => {
    const start = images();
    const distances: number[] = [];
    for (const strength of [0, 0.2, 0.6]) {
      const result = await imageToImage(pipeline(pixelwise), {
        images: start,
        strength,
        numInferenceSteps: 10,
        generator: 1,
      });
      distances.push(tf.tidy(() => tf.mean(tf.abs(tf.sub(result, start)))).dataSync()[0]!);
      result.dispose();
    }
    expect(distances[0]).toBe(0);
    expect(distances[1]).toBeGreaterThan(0);
    expect(distances[2]).toBeGreaterThan(distances[1]!);
    start.dispose();
  });

  it('ends in the world of the denoiser, and leaks nothing', async () => {
    await expect(async () => {
      const start = images();
      const options = { images: start, strength: 0.5, numInferenceSteps: 10, generator: 1 };
      const result = await imageToImage(pipeline(oneImageWorld(0.5)), options);
      expect(result).toBeAllClose(new Array<number>(32).fill(0.75), { atol: 1e-3 });
      tf.dispose([start, result]);
    }).toLeakNoTensors();
  });

  it('refuses strengths outside 0 .. 1', async () => {
    const start = images();
    const refused = imageToImage(pipeline(pixelwise), { images: start, strength: 1.5, generator: 0 });
    await expect(refused).rejects.toMatchObject({ code: 'DIFFUSION_BAD_STRENGTH' });
    start.dispose();
  });
});
