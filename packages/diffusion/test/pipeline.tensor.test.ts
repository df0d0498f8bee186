import { createGenerator } from '@missing-u/random';
import {
  DDIMScheduler,
  DDPMScheduler,
  DPMSolverMultistepScheduler,
  HeunDiscreteScheduler,
  RePaintScheduler,
} from '@missing-u/schedulers';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { UNet } from '@missing-u/unet-blocks';
import {
  classifierFreeGuidance,
  DDIMPipeline,
  DDPMPipeline,
  DiffusionPipeline,
  imageToImage,
  inpaint,
  interpolateImages,
  interpolateNoise,
  likelihood,
  type Denoiser,
  type SamplingScheduler,
} from '../src/index.ts';
import { noisePerItem } from '../src/pipelines/noise.ts';

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

/** The same world in velocities: v = sqrt(abar) eps - sqrt(1 - abar) x0. */
function oneImageVelocity(value: number): Denoiser {
  const { alphasCumprod } = new DDPMScheduler();
  return {
    predict(sample, timestep) {
      const abar = alphasCumprod[timestep as number]!;
      return tf.tidy(() => {
        const noise = tf.div(tf.sub(sample, Math.sqrt(abar) * value), Math.sqrt(1 - abar));
        return tf.sub(tf.mul(noise, Math.sqrt(abar)), Math.sqrt(1 - abar) * value);
      });
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

  it('refuses options that do not exist, and names the one that was meant', async () => {
    const asked = { num_inference_steps: 2, imageShape } as object;
    const pipeline = new DiffusionPipeline({ unet: pixelwise, scheduler: ddim() });
    await expect(pipeline.sample(asked)).rejects.toMatchObject({
      code: 'DIFFUSION_UNKNOWN_OPTION',
      message: expect.stringMatching(/Did you mean 'numInferenceSteps'/) as string,
    });
    await expect(pipeline.steps(asked).next()).rejects.toMatchObject({ code: 'DIFFUSION_UNKNOWN_OPTION' });
  });

  it('refuses parts that are none when they are put in, too', () => {
    const pipeline = new DiffusionPipeline({ unet: pixelwise, scheduler: ddim() });
    const bad = expect.objectContaining({ code: 'DIFFUSION_BAD_PIPELINE' }) as Error;
    expect(() => (pipeline.unet = pixelwise.predict as never)).toThrow(bad);
    expect(() => (pipeline.scheduler = { step: () => 0, setTimesteps: () => 0 } as never)).toThrow(bad);
    expect(pipeline.unet).toBe(pixelwise);
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

  it.each([
    ['eta', { eta: 2 }, 'DIFFUSION_BAD_ETA'],
    ['guidance without labels', { guidanceScale: 2 }, 'DIFFUSION_BAD_GUIDANCE'],
    ['guidance', { guidanceScale: NaN, classLabels: 1, nullLabel: 2 }, 'DIFFUSION_BAD_GUIDANCE'],
  ])('leaks nothing where %s is refused', async (_name, wrong, code) => {
    const pipeline = new DiffusionPipeline({ unet: pixelwise, scheduler: ddim() });
    await expect(async () => {
      await expect(sampleWith(pixelwise, ddim(), wrong)).rejects.toMatchObject({ code });
      const images: tf.Tensor4D = tf.zeros([1, ...imageShape]);
      await expect(imageToImage(pipeline, { images, numInferenceSteps: 5, ...wrong })).rejects.toMatchObject({ code });
      images.dispose();
    }).toLeakNoTensors();
  });

  it('leaks nothing where the scheduler fails, or a process is ended before it began', async () => {
    const scheduler = ddim();
    scheduler.step = () => {
      throw new Error('no step');
    };
    await expect(() => expect(sampleWith(pixelwise, scheduler)).rejects.toThrow('no step')).toLeakNoTensors();
    await expect(async () => {
      const pipeline = new DiffusionPipeline({ unet: pixelwise, scheduler: ddim() });
      const sample: tf.Tensor4D = tf.zeros([1, ...imageShape]);
      const process = pipeline.reverse({ sample, timesteps: [500, 0], generators: [createGenerator(0)] });
      await process.return(undefined as never);
      expect(await process.next()).toEqual({ done: true, value: undefined });
    }).toLeakNoTensors();
  });

  it.each([0, 1, 2])('leaks nothing where a process is ended by throw() after %i of 2 steps', async (steps) => {
    const pipeline = new DiffusionPipeline({ unet: pixelwise, scheduler: ddim() });
    pipeline.scheduler.setTimesteps(2);
    await expect(async () => {
      const options = { timesteps: [500, 0], generators: [createGenerator(0)], selfConditioning: true };
      const process = pipeline.reverse({ ...options, sample: tf.zeros([1, ...imageShape]) });
      const shown = pipeline.steps({ imageShape, numInferenceSteps: 2 });
      for (const one of [process, shown]) {
        for (let step = 0; step < steps; step++) await one.next();
        await expect(one.throw(new Error('enough'))).rejects.toThrow('enough');
        expect(await one.next()).toEqual({ done: true, value: undefined });
      }
    }).toLeakNoTensors();
  });

  it('derives the noise anew from the clipped images where it is told to', async () => {
    const loud: Denoiser = { predict: (sample) => tf.tidy(() => tf.mul(sample, -0.3)) }; // its estimates leave [-1, 1]
    const options = { batchSize: 2, useClippedModelOutput: true };
    const scheduler = new DDIMScheduler();
    const byHand = tf.tidy(() => {
      scheduler.setTimesteps(5);
      let x = noisePerItem([createGenerator(3).fork(0), createGenerator(3).fork(1)], imageShape);
      for (const t of scheduler.timesteps) {
        const output = loud.predict(x, t);
        x = scheduler.step(output, t, x, { useClippedModelOutput: true }).prevSample;
      }
      return tf.div(tf.add(tf.clipByValue(x, -1, 1), 1), 2);
    });
    const sampled = await sampleWith(loud, ddim(), options);
    expect(sampled).toBeAllClose(byHand);
    const usual = await sampleWith(loud, ddim(), { batchSize: 2 });
    expect(sampled).not.toBeAllClose(usual, { atol: 0.01 });
    tf.dispose([byHand, sampled, usual]);
  });

  it('refuses bad counts and denoisers that answer with another shape', async () => {
    for (const options of [{ batchSize: 0 }, { numInferenceSteps: -1 }, { chunkSize: 1.5 }]) {
      await expect(sampleWith(pixelwise, ddim(), options)).rejects.toMatchObject({ code: 'DIFFUSION_BAD_COUNT' });
    }
    for (const eta of [-0.1, 3, NaN]) {
      await expect(sampleWith(pixelwise, ddim(), { eta })).rejects.toMatchObject({ code: 'DIFFUSION_BAD_ETA' });
    }
    const narrow: Denoiser = { predict: () => tf.zeros([1, 4, 4, 2]) };
    await expect(sampleWith(narrow, ddim())).rejects.toMatchObject({ code: 'DIFFUSION_BAD_DENOISER_OUTPUT' });
  });
});

describe('pipelines of one kind', () => {
  const unet = oneImageWorld(0.5);

  it('have their own steps, and DDIM its scheduler', async () => {
    const ddim = new DDIMPipeline({ unet, scheduler: new DDPMScheduler({ betaSchedule: 'squaredcos_cap_v2' }) });
    expect(ddim.scheduler).toBeInstanceOf(DDIMScheduler);
    expect((ddim.scheduler as DDIMScheduler).config['beta_schedule']).toBe('squaredcos_cap_v2');
    (await ddim.sample({ imageShape })).dispose();
    expect(ddim.scheduler.timesteps).toHaveLength(50);
    const ddpm = new DDPMPipeline({ denoiser: unet });
    expect(ddpm.denoiser).toBe(unet);
    expect(ddpm.scheduler).toBeInstanceOf(DDPMScheduler);
  });

  it('take the shape of the images from the network, and give what is asked for', async () => {
    const network = { ...pixelwise, config: { imageSize: 4, inChannels: 1 } };
    const pipeline = new DiffusionPipeline({ denoiser: network, scheduler: ddim() });
    const options = { batchSize: 2, numInferenceSteps: 2 };
    const { data, shape } = await pipeline.sample({ ...options, outputType: 'array' });
    expect(shape).toEqual([2, 4, 4, 1]);
    const bytes = await pipeline.sample({ ...options, outputType: 'bytes' });
    expect([...bytes.data]).toEqual(Array.from(data, (value) => Math.round(255 * value)));
    const tensor = await pipeline.sample(options);
    expect(tensor).toBeAllClose(data);
    tensor.dispose();
    const unknown = pipeline.sample({ ...options, outputType: 'arary' as 'array' });
    await expect(unknown).rejects.toMatchObject({ code: 'DIFFUSION_UNKNOWN_OUTPUT_TYPE' });
    pipeline.unet = pixelwise;
    await expect(pipeline.sample(options)).rejects.toMatchObject({ code: 'DIFFUSION_BAD_IMAGE_SHAPE' });
  });

  it.each([
    ['nothing', {}, /`unet` is undefined/],
    ['no denoiser', { unet: {} }, /`unet`/],
    ['no scheduler', { unet: pixelwise, scheduler: {} }, /`scheduler`/],
  ])('refuse %s', (_, parts, message) => {
    expect(() => new DiffusionPipeline(parts as never)).toThrow(message);
  });

  it.each([
    ['NaN', () => tf.fill([1, 4, 4, 1], NaN)],
    ['a promise of another shape', () => Promise.resolve(tf.zeros([1]))],
    ['a promise of nothing', () => Promise.resolve(undefined)],
    ['another shape', () => tf.zeros([1])],
  ])('refuse a denoiser that answers with %s, and leak nothing', async (_, answer) => {
    const bad = { predict: answer as unknown as Denoiser['predict'] };
    const expected = { code: 'DIFFUSION_BAD_DENOISER_OUTPUT' };
    await expect(sampleWith(bad, ddim())).rejects.toMatchObject(expected);
    await expect(() => expect(sampleWith(bad, ddim())).rejects.toThrow()).toLeakNoTensors();
  });

  it('wait for a denoiser that answers with promises', async () => {
    const slow = {
      async predict(sample: tf.Tensor4D, timestep: number) {
        const half = tf.mul(sample, 0.5);
        await Promise.resolve();
        const output = tf.tidy(() => pixelwise.predict(tf.mul(half, 2), timestep));
        half.dispose();
        return output;
      },
    };
    const expected = await sampleWith(pixelwise, ddim());
    const early = {
      predict: (...inputs: Parameters<Denoiser['predict']>) => Promise.resolve(pixelwise.predict(...inputs)),
    };
    for (const unet of [slow, { ...early, asynchronous: true }]) {
      expect(await sampleWith(unet as unknown as Denoiser, ddim())).toBeAllClose(expected, { rtol: 0, atol: 1e-6 });
    }
    await expect(sampleWith(early as unknown as Denoiser, ddim())).rejects.toThrow(/asynchronous: true/);
    await expect(async () => (await sampleWith(slow as unknown as Denoiser, ddim())).dispose()).toLeakNoTensors();
  });

  it('compute as many images at once as fit in the memory that is given', async () => {
    const unet = new UNet({ inChannels: 1, dim: 8, dimMults: [1], imageSize: 8, seed: 0 });
    const batches = new Set<number>();
    const predict = unet.predict.bind(unet);
    unet.predict = (sample, ...rest) => {
      batches.add(sample.shape[0]);
      return predict(sample, ...rest);
    };
    const pipeline = new DiffusionPipeline({ unet, scheduler: ddim() });
    const options = { batchSize: 5, numInferenceSteps: 1, compile: false };
    (await pipeline.sample(options)).dispose();
    expect(batches).toEqual(new Set([1, 5]));
    batches.clear();
    (await pipeline.sample({ ...options, memory: 1 })).dispose();
    expect(batches).toEqual(new Set([1]));
    pipeline.dispose();
    unet.dispose();
  });
});

describe('guidance without a classifier', () => {
  /** Predicts noise that is its label everywhere. */
  const labelled: Denoiser = {
    predict: (sample, _, condition) =>
      tf.tidy(() => {
        const labels = tf.tensor1d(Array.from(condition!.classLabels as number[]));
        return tf.add<tf.Tensor4D>(tf.zerosLike(sample), tf.reshape(labels, [-1, 1, 1, 1]));
      }),
  };

  it('goes from the prediction without label through that with it', () => {
    const asArray: Denoiser = {
      predict: (sample, t, condition) => {
        const { classLabels } = condition!;
        const list = classLabels instanceof tf.Tensor ? [...classLabels.dataSync()] : classLabels!;
        return labelled.predict(sample, t, { classLabels: list });
      },
    };
    const guided = classifierFreeGuidance(asArray, { guidanceScale: 3, nullLabel: 1 });
    const sample: tf.Tensor4D = tf.zeros([1, 2, 2, 1]);
    const output = guided.predict(sample, 0, { classLabels: [2] });
    expect(output).toBeAllClose([4, 4, 4, 4]); // 1 + 3 (2 - 1)
    tf.dispose([sample, output]);
  });

  it('is a matter of options in a pipeline, whose labels are checked', async () => {
    const pipeline = new DiffusionPipeline({ unet: labelled, scheduler: ddim() });
    const options = { imageShape, batchSize: 2, numInferenceSteps: 2, chunkSize: 1 };
    const one = await pipeline.sample({ ...options, classLabels: [0, 1] });
    const other = await pipeline.sample({ ...options, classLabels: 1 });
    const second = (images: tf.Tensor4D) => tf.tidy(() => tf.slice(images, [1], [1]));
    expect(second(one)).toBeAllClose(second(other));
    tf.dispose([one, other]);
    const bad = (extra: object) => expect(pipeline.sample({ ...options, ...extra })).rejects;
    await bad({ classLabels: [1] }).toMatchObject({ code: 'DIFFUSION_BAD_LABELS' });
    await bad({ classLabels: 1, guidanceScale: 2 }).toMatchObject({ code: 'DIFFUSION_BAD_GUIDANCE' });
    await bad({ guidanceScale: 2, nullLabel: 3 }).toMatchObject({ code: 'DIFFUSION_BAD_GUIDANCE' });
    const named = { code: 'DIFFUSION_BAD_LABELS', message: expect.stringContaining('`nullLabel` is -1') as string };
    await bad({ guidanceScale: 2, classLabels: 1, nullLabel: -1 }).toMatchObject(named);
  });
});

describe('self-conditioning', () => {
  it('gives the network the estimate of the step before, zeros first', async () => {
    const seen: number[] = [];
    const unet: Denoiser = {
      predict: (sample, _, condition) => {
        seen.push(tf.tidy(() => tf.mean(condition!.selfCondition!).dataSync()[0]!));
        return tf.tidy(() => oneImageWorld(0.5).predict(sample, _));
      },
    };
    const pipeline = new DiffusionPipeline({ unet, scheduler: ddim() });
    await expect(async () => {
      (await pipeline.sample({ imageShape, numInferenceSteps: 3, selfConditioning: true })).dispose();
    }).toLeakNoTensors();
    expect(seen.slice(0, 3)).toBeAllClose([0, 0.5, 0.5], { atol: 5e-3 });
  });
});

describe('inpaint', () => {
  it('keeps the known part and paints the rest as the model would, without leaks', async () => {
    const images = tf.tidy(() => tf.fill<tf.Rank.R4>([2, 4, 4, 1], 0.2));
    const mask = tf.tidy(() => tf.concat<tf.Tensor4D>([tf.ones([1, 2, 4, 1]), tf.zeros([1, 2, 4, 1])], 1));
    const options = { images, mask, numInferenceSteps: 20, jumpLength: 5, jumpNSample: 2 };
    for (const predictionType of ['epsilon', 'v_prediction'] as const) {
      const scheduler = new DDIMScheduler({ predictionType });
      const unet = predictionType === 'epsilon' ? oneImageWorld(0.5) : oneImageVelocity(0.5);
      await expect(async () => {
        const painted = await inpaint(new DiffusionPipeline({ unet, scheduler }), options);
        const half = [...new Array<number>(8).fill(0.2), ...new Array<number>(8).fill(0.75)];
        expect(painted).toBeAllClose([...half, ...half], { atol: 2e-3 });
        painted.dispose();
      }).toLeakNoTensors();
    }
    const pipeline = new DiffusionPipeline({ unet: oneImageWorld(0.5), scheduler: ddim() });
    const small: tf.Tensor4D = tf.ones([1, 2, 2, 1]);
    await expect(inpaint(pipeline, { images, mask: small })).rejects.toMatchObject({ code: 'DIFFUSION_BAD_MASK' });
    tf.dispose([images, mask, small]);
  });

  it('is what a pipeline with the scheduler of RePaint is for: it is named where that is to sample', async () => {
    const scheduler = new RePaintScheduler() as SamplingScheduler;
    const pipeline = new DiffusionPipeline({ unet: oneImageWorld(0.5), scheduler });
    const [images, mask]: tf.Tensor4D[] = [tf.fill([1, 4, 4, 1], 0.2), tf.zeros([1, 4, 4, 1])];
    const steps = { numInferenceSteps: 20 };
    const refused = { code: 'DIFFUSION_BAD_PIPELINE', message: expect.stringContaining('call `inpaint(') as string };
    await expect(async () => {
      await expect(pipeline.sample({ imageShape, ...steps })).rejects.toMatchObject(refused);
      await expect(pipeline.steps({ imageShape, ...steps }).next()).rejects.toMatchObject(refused);
      await expect(imageToImage(pipeline, { images: images!, ...steps })).rejects.toMatchObject(refused);
      await expect(interpolateNoise(pipeline, { imageShape, ...steps, from: 0, to: 1 })).rejects.toMatchObject(refused);
    }).toLeakNoTensors();
    const painted = await inpaint(pipeline, { images: images!, mask: mask!, ...steps, jumpLength: 5, jumpNSample: 1 });
    expect(painted).toBeAllClose(new Array<number>(16).fill(0.75), { atol: 2e-3 });
    tf.dispose([images!, mask!, painted]);
  });
});

describe('interpolation', () => {
  const pipeline = new DiffusionPipeline({ unet: pixelwise, scheduler: ddim() });

  it('of noise begins and ends with the samples of its seeds', async () => {
    const options = { imageShape, numInferenceSteps: 4 };
    const from = await pipeline.sample({ ...options, generator: 1, eta: 0 });
    const to = await pipeline.sample({ ...options, generator: 2, eta: 0 });
    await expect(async () => {
      const way = await interpolateNoise(pipeline, { ...options, from: 1, to: 2, count: 4 });
      const ends = tf.split(way, 4);
      expect(ends[0]).toBeAllClose(from, { atol: 1e-4 });
      expect(ends[3]).toBeAllClose(to, { atol: 1e-4 });
      tf.dispose([way, ends]);
    }).toLeakNoTensors();
    tf.dispose([from, to]);
  });

  it('of images gives the images back where nothing is given up, and their means between', async () => {
    const [from, to] = [tf.fill([4, 4, 1], 0.2), tf.fill([4, 4, 1], 0.6)] as [tf.Tensor3D, tf.Tensor3D];
    const way = await interpolateImages(pipeline, { from, to, count: 3, strength: 0 });
    expect(tf.tidy(() => tf.mean(way, [1, 2, 3]))).toBeAllClose([0.2, 0.4, 0.6]);
    const noised = await interpolateImages(pipeline, { from, to, count: 3, strength: 0.3, numInferenceSteps: 10 });
    const means = tf.tidy(() => tf.mean(noised, [1, 2, 3])).dataSync();
    expect(means[0]).toBeLessThan(means[1]!);
    expect(means[1]).toBeLessThan(means[2]!);
    const wide = tf.zeros<tf.Rank.R3>([4, 5, 1]);
    await expect(interpolateImages(pipeline, { from, to: wide })).rejects.toMatchObject({
      code: 'DIFFUSION_BAD_IMAGES',
    });
    await expect(interpolateNoise(pipeline, { from: 0, to: 1, count: 1 })).rejects.toMatchObject({
      code: 'DIFFUSION_BAD_COUNT',
    });
    tf.dispose([from, to, wide, way, noised]);
  });
});

describe('likelihood', () => {
  it('is that of the standard normal distribution for its exact denoiser, in any prediction', () => {
    const { alphasCumprod } = new DDPMScheduler();
    const at = (t: number) => alphasCumprod[Math.round(t)]!;
    // E[eps | x_t] = sqrt(1 - abar) x_t, and E[x0 | x_t] = sqrt(abar) x_t.
    const noise: Denoiser = { predict: (x, t) => tf.mul(x, Math.sqrt(1 - at(t as number))) };
    const clean: Denoiser = { predict: (x, t) => tf.mul(x, Math.sqrt(at(t as number))) };
    const images = tf.tidy(() => tf.reshape<tf.Rank.R4>(tf.linspace(0.1, 0.9, 8), [2, 2, 2, 1]));
    const values = [...images.dataSync()].map((value) => 2 * value - 1);
    const expected = [0, 1].map((i) =>
      values.slice(4 * i, 4 * i + 4).reduce((sum, x) => sum - x ** 2 / 2 - Math.log(2 * Math.PI) / 2, 0),
    );
    for (const [predictionType, unet] of [
      ['epsilon', noise],
      ['sample', clean],
    ] as const) {
      const pipeline = new DiffusionPipeline({ unet, scheduler: new DDPMScheduler({ predictionType }) });
      const found = likelihood(pipeline, { images, dequantize: false });
      expect([...found.logLikelihood]).toBeAllClose(expected, { rtol: 2e-2 });
      expect(found.bitsPerDim[0]).toBeAllClose(-found.logLikelihood[0]! / 4 / Math.LN2 + 7, { rtol: 1e-6 });
    }
    const pipeline = new DiffusionPipeline({ unet: noise, scheduler: new DDPMScheduler() });
    expect(() => likelihood(pipeline, { images: tf.zeros([1]) as never })).toThrow(
      expect.objectContaining({ code: 'DIFFUSION_BAD_IMAGES' }),
    );
    images.dispose();
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

  it('begins at timesteps that are listed twice', async () => {
    const start = images();
    const latent = { betaStart: 0.00085, betaEnd: 0.012, betaSchedule: 'scaled_linear' } as const;
    for (const scheduler of [
      // Ends with the timesteps 1, 1, 0.
      new DPMSolverMultistepScheduler({ ...latent, useKarrasSigmas: true }),
      // Lists every timestep but the first twice, for its two calls.
      new HeunDiscreteScheduler(),
    ]) {
      let calls = 0;
      const unet: Denoiser = { predict: (sample) => (calls++, tf.mul(sample, 0.5)) };
      const guided = new DiffusionPipeline({ unet, scheduler });
      const result = await imageToImage(guided, { images: start, strength: 0.06, numInferenceSteps: 50, generator: 1 });
      expect(calls).toBe(scheduler.order === 2 ? 5 : 3);
      result.dispose();
    }
    start.dispose();
  });

  it('refuses strengths outside 0 .. 1', async () => {
    const start = images();
    const refused = imageToImage(pipeline(pixelwise), { images: start, strength: 1.5, generator: 0 });
    await expect(refused).rejects.toMatchObject({ code: 'DIFFUSION_BAD_STRENGTH' });
    start.dispose();
  });
});
