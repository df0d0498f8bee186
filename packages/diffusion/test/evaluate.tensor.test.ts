import { createGenerator } from '@missing-u/random';
import { DDIMScheduler, DDPMScheduler } from '@missing-u/schedulers';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import {
  bestSteps,
  compare,
  denoiseFrom,
  DDIMPipeline,
  DiffusionPipeline,
  evaluate,
  restore,
  type Denoiser,
  type GenerativeMetric,
  type Measurement,
} from '../src/index.ts';

const imageShape = [4, 4, 1] as const;
const shrinking = (factor: number): Denoiser => ({ predict: (x) => tf.tidy(() => tf.mul(tf.tanh(x), factor)) });

/** Mean and number of all pixels seen. */
class PixelMean implements GenerativeMetric {
  sum = 0;
  count = 0;
  update(images: tf.Tensor4D): void {
    this.sum += tf.tidy(() => tf.sum(images).dataSync()[0]!);
    this.count += images.size;
  }
  compute(): number {
    return this.sum / this.count;
  }
}

describe('evaluate', () => {
  it('measures the images that the pipeline samples, in chunks of any size', async () => {
    const pipeline = new DiffusionPipeline({ unet: shrinking(0.7), scheduler: new DDIMScheduler() });
    const sampling = { imageShape, numInferenceSteps: 3, generator: 1 };
    const images = await pipeline.sample({ ...sampling, batchSize: 5 });
    const expected = Array.from(images.dataSync()).reduce((sum, value) => sum + value, 0) / images.size;
    images.dispose();
    for (const chunkSize of [2, 5]) {
      const mean = new PixelMean();
      const progress: number[] = [];
      const options = { ...sampling, pipeline, count: 5, chunkSize, metrics: { mean } };
      const result = await evaluate({ ...options, onProgress: (done) => progress.push(done) });
      expect(result.values['mean']).toBeAllClose(expected);
      expect(result.count).toBe(5);
      expect(mean.count).toBe(5 * 16);
      expect(progress).toEqual(chunkSize === 2 ? [2, 4, 5] : [5]);
    }
  });
});

describe('metrics that are none', () => {
  const unet = shrinking(0.7);
  const scheduler = new DDIMScheduler();
  let asked = 0;
  const counting: Denoiser = { predict: (x) => (asked++, unet.predict(x, 0)) };
  const pipeline = new DiffusionPipeline({ unet: counting, scheduler });
  const sampling = { pipeline, imageShape, count: 1, numInferenceSteps: 2 };

  it.each([
    ['missing', undefined, '`metrics` is undefined'],
    ['a function', () => ({}), '`metrics` is '],
    ['undefined in their place', { fid: undefined }, '`metrics.fid` is undefined'],
    ['without update()', { fid: { compute: () => 0 } }, '`metrics.fid` is '],
  ])('are refused by name before anything is sampled: %s', async (_, metrics, message) => {
    const refused = { code: 'DIFFUSION_BAD_METRICS', message: expect.stringContaining(message) as string };
    await expect(evaluate({ ...sampling, metrics } as never)).rejects.toMatchObject(refused);
    const images: tf.Tensor4D = tf.zeros([1, ...imageShape]);
    const restoring = { unet: counting, scheduler, images, from: 5, steps: 1, metrics };
    await expect(restore(restoring as never)).rejects.toMatchObject(refused);
    images.dispose();
    expect(asked).toBe(0);
  });

  it('are refused as measures of denoiseFrom, and as what makes those of a comparison', async () => {
    const images: tf.Tensor4D = tf.zeros([1, ...imageShape]);
    const denoising = {
      unet: counting,
      scheduler: new DDPMScheduler(),
      images,
      steps: 1,
      generator: createGenerator(0),
    };
    await expect(denoiseFrom({ ...denoising } as never)).rejects.toMatchObject({ code: 'DIFFUSION_BAD_METRICS' });
    images.dispose();
    const contenders = [{ name: 'a', unet: counting }];
    const comparing = { contenders, samplers: [{ name: 'DDIM', scheduler }], steps: [2], count: 1, imageShape };
    const message = expect.stringContaining('a function that returns new metrics') as string;
    await expect(compare({ ...comparing, metrics: {} as never })).rejects.toMatchObject({
      code: 'DIFFUSION_BAD_METRICS',
      message,
    });
    expect(asked).toBe(0);
  });
});

describe('the options of evaluate', () => {
  it('may leave the number of steps to the pipeline, and the time is of one step', async () => {
    const pipeline = new DDIMPipeline({ unet: shrinking(0.7), scheduler: new DDIMScheduler() });
    const options = { pipeline, imageShape, count: 3, chunkSize: 2, metrics: {} };
    for (const [more, steps] of [
      [{}, 50],
      [{ numInferenceSteps: 4 }, 4],
    ] as const) {
      // prettier-ignore
      const { seconds, secondsPerStep } = await evaluate({ ...options, ...more });
      expect(seconds / secondsPerStep).toBeAllClose(2 * steps);
    }
  });

  it.each([{ count: 0 }, { count: -3 }, { count: NaN }, { chunkSize: 0 }])('refuses %j', async (wrong) => {
    const pipeline = new DiffusionPipeline({ unet: shrinking(0.7), scheduler: new DDIMScheduler() });
    const asked = { pipeline, imageShape, count: 1, numInferenceSteps: 1, metrics: {}, ...wrong };
    const bad = { code: 'DIFFUSION_BAD_COUNT', message: expect.stringContaining(`\`${Object.keys(wrong)[0]}\``) };
    await expect(evaluate(asked)).rejects.toMatchObject(bad);
  });

  it.each([[[0]], [[0, 0, 0]]])(
    'refuses %j as the classes of two images before it samples any',
    async (classLabels) => {
      let calls = 0;
      const unet = { predict: (sample: tf.Tensor4D) => (calls++, tf.clone(sample)) };
      const pipeline = new DiffusionPipeline({ unet, scheduler: new DDIMScheduler() });
      const asked = { pipeline, imageShape, count: 2, chunkSize: 1, numInferenceSteps: 1, metrics: {}, classLabels };
      await expect(evaluate(asked)).rejects.toMatchObject({ code: 'DIFFUSION_BAD_LABELS' });
      expect(calls).toBe(0);
    },
  );
});

describe('compare', () => {
  const options = () => ({
    imageShape,
    contenders: [
      { name: 'a', unet: shrinking(0.7) },
      { name: 'b', unet: shrinking(0.1) },
    ],
    samplers: [
      { name: 'DDIM', scheduler: new DDIMScheduler() },
      { name: 'DDPM', scheduler: new DDPMScheduler() },
    ],
    steps: [2, 4],
    count: 3,
    shown: 2,
    generator: 1,
    metrics: () => ({ mean: new PixelMean() }),
  });

  it('measures every model with every sampler and number of steps, and keeps the first images', async () => {
    const results = await compare(options());
    expect(results.map(({ model, sampler, steps }) => `${model} ${sampler} ${steps}`)).toEqual(
      ['a', 'b'].flatMap((m) => ['DDIM', 'DDPM'].flatMap((s) => [2, 4].map((n) => `${m} ${s} ${n}`))),
    );
    for (const { values, samples, seconds } of results) {
      expect(Object.keys(values)).toEqual(['mean']);
      expect(samples.shape).toEqual([2, 4, 4, 1]);
      expect(seconds).toBeGreaterThan(0);
    }
    const unet = shrinking(0.1);
    const pipeline = new DiffusionPipeline({ unet, scheduler: new DDIMScheduler() });
    const images = await pipeline.sample({ imageShape, batchSize: 2, numInferenceSteps: 4, generator: 1 });
    expect(results[5]!.samples.data).toBeAllClose(images);
    images.dispose();
  });

  it('keeps images of more values than a call takes arguments', async () => {
    const { contenders, samplers } = options();
    const imageShape = [64, 64, 3] as const;
    const [{ samples }] = await compare({
      ...{ ...options(), imageShape, contenders: contenders.slice(0, 1), samplers: samplers.slice(0, 1) },
      ...{ steps: [2], count: 20, shown: 16, chunkSize: 11, metrics: () => ({}) },
    }).then(([only]) => [only!] as const);
    expect(samples.shape).toEqual([16, 64, 64, 3]);
    expect(samples.data).toHaveLength(16 * 64 * 64 * 3);
    expect(Math.abs(samples.data.at(-1)! - samples.data.at(-2)!)).toBeGreaterThan(0);
  });

  it('finds the best number of steps of each model and sampler', async () => {
    const results = await compare(options());
    for (const best of bestSteps(results, 'mean')) {
      const same = results.filter(({ model, sampler }) => model === best.model && sampler === best.sampler);
      expect(best.values['mean']).toBe(Math.min(...same.map(({ values }) => values['mean']!)));
    }
    expect(bestSteps(results, 'mean')).toHaveLength(4);
  });

  it('measures what other comparisons have measured no more, under its own names', async () => {
    const measurements = new Map<string, Measurement>();
    let calls = 0;
    const unet: Denoiser = { predict: (sample) => ((calls += 1), tf.tidy(() => tf.mul(sample, 0.3))) };
    const before = await compare({ ...options(), contenders: [{ name: 'a', unet }], measurements });
    expect(measurements.size).toBe(4);
    calls = 0;
    const contenders = [{ name: 'the same', unet }];
    const samplers = [{ name: 'deterministic', scheduler: new DDIMScheduler() }];
    const [again] = await compare({ ...options(), contenders, samplers, steps: [4], measurements });
    expect(again).toEqual({ ...before[1], model: 'the same', sampler: 'deterministic' });
    expect(calls).toBe(0);
    // Another share of fresh noise is another measurement, as is another network, whatever its name.
    await compare({ ...options(), contenders, samplers: [{ ...samplers[0]!, eta: 1 }], steps: [4], measurements });
    expect(calls).toBeGreaterThan(0);
    expect(measurements.size).toBe(5);
    const other = [{ name: 'a', unet: shrinking(0.1) }];
    const [its] = await compare({ ...options(), contenders: other, samplers, steps: [4], measurements });
    expect(its!.values).not.toEqual(again!.values);
    expect(measurements.size).toBe(6);
  });

  it('takes schedulers of one class for the same where their configurations are, and others for themselves', async () => {
    const contenders = [{ name: 'a', unet: shrinking(0.3) }];
    const leading = new DDIMScheduler();
    const own = (factor: number) => ({
      ...{ timesteps: [9], initNoiseSigma: 1, setTimesteps: () => undefined },
      scaleModelInput: (x: tf.Tensor4D) => x,
      step: (x: tf.Tensor4D) => ({ prevSample: tf.mul(x, factor), predOriginalSample: tf.mul(x, factor) }),
    });
    const samplers = [
      { name: 'leading', scheduler: leading },
      { name: 'trailing', scheduler: new DDIMScheduler({ timestep_spacing: 'trailing' }) },
      { name: 'leading again', scheduler: new DDIMScheduler({ timestep_spacing: 'leading' }) },
      { name: 'an own', scheduler: own(1) as never },
      { name: 'another', scheduler: own(2) as never },
    ];
    const results = await compare({ ...options(), contenders, samplers, steps: [2] });
    const means = results.map(({ values }) => values['mean']);
    expect(means[2]).toBe(means[0]);
    expect(new Set(means).size).toBe(4);
  });

  it('refuses names that reports could not tell apart', async () => {
    const twice = { code: 'DIFFUSION_DUPLICATE_NAME', message: expect.stringContaining("contenders` is ['a', 'a']") };
    const contenders = [0.7, 0.1].map((factor) => ({ name: 'a', unet: shrinking(factor) }));
    await expect(compare({ ...options(), contenders })).rejects.toMatchObject(twice);
    const samplers = [0, 1].map((eta) => ({ name: 'DDIM', scheduler: new DDIMScheduler(), eta }));
    const alike = {
      code: 'DIFFUSION_DUPLICATE_NAME',
      message: expect.stringContaining("samplers` is ['DDIM', 'DDIM']"),
    };
    await expect(compare({ ...options(), samplers })).rejects.toMatchObject(alike);
  });

  it('leaks nothing', async () => {
    await expect(() => compare(options())).toLeakNoTensors();
  });
});

describe('restore', () => {
  /** Knows the clean images: the noise is what is left of x_t. */
  function oracle(clean: tf.Tensor4D): Denoiser {
    const { alphasCumprod } = new DDIMScheduler();
    return {
      predict: (x, t) =>
        tf.tidy(() => {
          const product = alphasCumprod[t as number]!;
          const signal = tf.mul(tf.sub(tf.mul(clean, 2), 1), Math.sqrt(product));
          return tf.div(tf.sub(x, signal), Math.sqrt(1 - product));
        }),
    };
  }
  const clean = () => tf.tidy(() => tf.reshape<tf.Rank.R4>(tf.linspace(0.1, 0.9, 32), [2, 4, 4, 1]));

  it('is exact with a denoiser that knows the images, from any timestep in any number of steps', async () => {
    const images = clean();
    for (const [from, steps] of [
      [250, 1],
      [250, 4],
      [3, 4],
    ] as const) {
      const metrics = { mean: new PixelMean() };
      const options = { unet: oracle(images), scheduler: new DDIMScheduler(), images, from, steps, metrics };
      const { rmse, values, count } = await restore(options);
      expect(count).toBe(2);
      expect(rmse).toBeLessThan(1e-5);
      expect(values['mean']).toBeAllClose(0.5, { atol: 1e-5 });
    }
    images.dispose();
  });

  it('noises image i alike in chunks of any size, and is worse with a denoiser that knows nothing', async () => {
    const images = clean();
    const options = { unet: shrinking(0), scheduler: new DDIMScheduler(), images, from: 250, steps: 2, metrics: {} };
    const whole = await restore(options);
    expect(whole.rmse).toBeGreaterThan(0.05);
    expect((await restore({ ...options, chunkSize: 1 })).rmse).toBeAllClose(whole.rmse, { rtol: 1e-5 });
    images.dispose();
  });

  it.each([
    [{ from: 1000 }, /`from` is 1000.*0 to 999/],
    [{ steps: 0 }, /`steps` is 0/],
    [{ from: 3, steps: 5 }, /`steps` is 5.*1 to 4/],
  ])('refuses %j', async (wrong, message) => {
    const images = clean();
    const options = { unet: shrinking(0), scheduler: new DDIMScheduler(), images, from: 250, steps: 2, metrics: {} };
    const refused = restore({ ...options, ...wrong });
    await expect(refused).rejects.toMatchObject({
      code: 'DIFFUSION_BAD_COUNT',
      message: expect.stringMatching(message),
    });
    images.dispose();
  });

  it('leaks nothing', async () => {
    await expect(async () => {
      const images = clean();
      const options = { unet: shrinking(0.5), scheduler: new DDIMScheduler(), images, from: 100, steps: 2 };
      await restore({ ...options, metrics: {}, chunkSize: 1 });
      images.dispose();
    }).toLeakNoTensors();
  });
});
