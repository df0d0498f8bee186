import { createGenerator } from '@missing-u/random';
import {
  DDIMScheduler,
  DDPMScheduler,
  DPMSolverMultistepScheduler,
  EulerDiscreteScheduler,
  FlowMatchEulerDiscreteScheduler,
  HeunDiscreteScheduler,
} from '@missing-u/schedulers';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import {
  Trainer,
  validate,
  type Denoiser,
  type TrainableDenoiser,
  type TrainerOptions,
  type TrainerState,
  type TrainingScheduler,
} from '../src/index.ts';
import { UNet } from '@missing-u/unet-blocks';

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

  it('learns from images whose noise is not what their timestep says', async () => {
    const denoiser = affineDenoiser();
    const trainer = makeTrainer(denoiser, { schedule: 'linear', noiseJitter: 1, noiseJitterMost: 1.5 });
    await steps(trainer, 100);
    // With eps k instead of eps, k uniform from 0 to 1.5, E[k^2] = 0.75: a = E[x eps k] / E[x^2] over all t.
    let [abar, product, square] = [1, 0, 0];
    for (let i = 0; i < 1000; i++) {
      abar *= 1 - (1e-4 + (i * (0.02 - 1e-4)) / 999);
      product += Math.sqrt(1 - abar) * 0.75;
      square += abar + (1 - abar) * 0.75;
    }
    expect(denoiser.parameters()[0]!.variable).toBeAllClose([product / square], { atol: 0.02 });
    for (const owned of [trainer, denoiser]) owned.dispose();
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

  it('accumulates gradients: two halves of a batch are the step of the whole', async () => {
    const [one, two] = [affineDenoiser(), affineDenoiser()];
    const [whole, halves] = [makeTrainer(one, { noiseJitter: 0.5 }), makeTrainer(two, { noiseJitter: 0.5 })];
    const images = normalImages(0);
    const parts = tf.split(images, 2).map((part) => ({ images: part as tf.Tensor4D }));
    const [a, b] = [await whole.trainStep({ images }), await halves.trainStep(parts)];
    expect([b.loss, b.gradNorm]).toBeAllClose([a.loss, a.gradNorm], { rtol: 2e-6 });
    tf.dispose([images, parts.map((part) => part.images)]);
    for (const owned of [whole, halves, one, two]) owned.dispose();
  });

  it('keeps several averages, each with its own decay', async () => {
    const denoiser = affineDenoiser();
    const trainer = makeTrainer(denoiser, { ema: [{ decay: 0.5 }, { decay: 0 }] });
    await steps(trainer, 6);
    const weights = [...trainer.parameters.read().dataSync()];
    const { ema } = await trainer.state();
    expect(ema[1]!.average).toBeAllClose(weights, { rtol: 1e-6 });
    expect(ema[0]!.average).not.toBeAllClose(weights, { rtol: 1e-3 });
    const inside = await trainer.withEma(() => [...denoiser.parameters()[0]!.variable.dataSync()]);
    expect(inside[0]).toBeCloseTo(ema[0]!.average[0]!, 6);
    expect([...denoiser.parameters()[0]!.variable.dataSync()][0]).toBeCloseTo(weights[0]!, 6);
    expect(() => trainer.useEma(2)).toThrow(expect.objectContaining({ code: 'DIFFUSION_BAD_CONFIG' }));
    trainer.dispose();
    denoiser.dispose();
  });

  it.each([
    ['min-snr', undefined, (snr: number) => Math.min(snr, 5) / snr],
    ['p2', undefined, (snr: number) => 1 / (1 + snr)],
    ['snr', undefined, () => 1],
  ] as const)('weighs the errors by %s', async (lossWeighting, _, weightOf) => {
    const denoiser = affineDenoiser(); // It answers 0: its error is the mean square of the noise.
    const [plain, weighted] = [makeTrainer(denoiser), makeTrainer(denoiser, { lossWeighting })];
    const { alphasCumprod } = new DDPMScheduler();
    const random = createGenerator(1).fork(0);
    const timesteps = Array.from({ length: 64 }, () => random.integer(1000));
    const noise = random.fillNormal(new Float32Array(64 * 16));
    const expected = timesteps.reduce((sum, t, i) => {
      const error = noise.subarray(16 * i, 16 * i + 16).reduce((total, e) => total + e * e, 0) / 16;
      return sum + (weightOf(alphasCumprod[t]! / (1 - alphasCumprod[t]!)) * error) / 64;
    }, 0);
    const images = normalImages(0);
    expect((await weighted.trainStep({ images })).loss).toBeAllClose(expected, { rtol: 1e-4 });
    for (const owned of [plain, weighted, denoiser, images]) owned.dispose();
  });

  it('samples timesteps by their losses, and goes on with them', async () => {
    const [one, two] = [affineDenoiser(), affineDenoiser()];
    const short = new DDPMScheduler({ numTrainTimesteps: 8 }) as unknown as TrainingScheduler;
    const options = { scheduler: short, timestepSampling: 'loss-second-moment' } as const;
    const [whole, resumed] = [makeTrainer(one, options), makeTrainer(two, options)];
    await steps(whole, 4);
    two.parameters().forEach(({ variable }, i) => variable.assign(one.parameters()[i]!.variable));
    resumed.restore(JSON.parse(JSON.stringify(await whole.state(), typed)) as TrainerState);
    expect(await steps(resumed, 2)).toEqual(await steps(whole, 2));
    for (const owned of [whole, resumed, one, two]) owned.dispose();
  });

  it('samples the timesteps of a part of the chain', async () => {
    const seen: number[] = [];
    const inner = affineDenoiser();
    const denoiser: TrainableDenoiser = {
      ...inner,
      predict: (sample, timesteps) => {
        seen.push(...(timesteps as tf.Tensor1D).dataSync());
        return inner.predict(sample, timesteps);
      },
    };
    const options = { timestepSampling: 'logit-normal', logitMean: -1, logitStd: 0.05, compile: false } as const;
    const trainer = makeTrainer(denoiser, options);
    await steps(trainer, 3);
    // Four deviations around 1 / (1 + e).
    expect(Math.min(...seen)).toBeGreaterThan(1000 / (1 + Math.exp(1.2)));
    expect(Math.max(...seen)).toBeLessThan(1000 / (1 + Math.exp(0.8)));
    for (const owned of [trainer, inner]) owned.dispose();
  });

  it('gives labels, some of them hidden, and its own estimate to networks that take them', async () => {
    const seen: { labels: number[]; estimate: number }[] = [];
    const variable = tf.tidy(() => tf.variable(tf.scalar(0.1)));
    const denoiser: TrainableDenoiser = {
      predict: (sample, _, condition) => {
        const labels = [...(condition!.classLabels as tf.Tensor1D).dataSync()];
        seen.push({ labels, estimate: tf.tidy(() => tf.max(tf.abs(condition!.selfCondition!)).dataSync()[0]!) });
        return tf.tidy(() => tf.mul(sample, variable));
      },
      parameters: () => [{ name: 'a', variable }],
    };
    const classConditioning = { nullLabel: 10, dropout: 0.5 };
    const trainer = makeTrainer(denoiser, { classConditioning, selfConditioning: true, compile: false });
    for (let step = 0; step < 6; step++) {
      const images = normalImages(step);
      await trainer.trainStep({ images, labels: new Int32Array(64).fill(3) });
      images.dispose();
    }
    const labels = seen.flatMap((call) => call.labels);
    expect(new Set(labels)).toEqual(new Set([3, 10]));
    expect(labels.filter((label) => label === 10).length / labels.length).toBeAllClose(0.5, { atol: 0.1 });
    // One call with zeros in every step, and another with the estimate in some.
    expect(seen.filter(({ estimate }) => estimate === 0)).toHaveLength(6);
    expect(seen.length).toBeGreaterThan(6);
    expect(seen.length).toBeLessThan(12);
    const images = normalImages(0);
    await expect(trainer.trainStep({ images })).rejects.toMatchObject({ code: 'DIFFUSION_NO_LABELS' });
    for (const owned of [images, trainer, variable]) owned.dispose();
  });

  it('names the layer where numbers stop being finite', async () => {
    const unet = new UNet({ inChannels: 1, dim: 8, dimMults: [1, 2], imageSize: 8, seed: 0 });
    const trainer = makeTrainer(unet, { compile: false });
    const images: tf.Tensor4D = tf.ones([1, 8, 8, 1]);
    const { name, variable } = unet.parameters().findLast(({ variable }) => variable.rank === 4)!;
    variable.assign(tf.tidy(() => tf.fill(variable.shape, 3e38)));
    await expect(trainer.trainStep({ images })).rejects.toThrow(
      /first thing that is not finite is the output of the layer `[a-z_.0-9]+`/,
    );
    variable.assign(tf.tidy(() => tf.fill(variable.shape, NaN)));
    await expect(trainer.trainStep({ images })).rejects.toThrow(`the weight \`${name}\``);
    for (const owned of [images, trainer, unet]) owned.dispose();
  });

  it.each([
    [{ lossWeighting: 'minsnr' as 'min-snr' }, 'DIFFUSION_UNKNOWN_LOSS_WEIGHTING'],
    [{ timestepSampling: 'unifrom' as 'uniform' }, 'DIFFUSION_UNKNOWN_TIMESTEP_SAMPLING'],
    [{ logitStd: 0 }, 'DIFFUSION_BAD_CONFIG'],
    [{ uniformShare: 2 }, 'DIFFUSION_BAD_CONFIG'],
    [{ lr: 1e-3 } as never, 'DIFFUSION_UNKNOWN_OPTION'],
    [{ ema: [] }, 'DIFFUSION_BAD_CONFIG'],
    [{ learningRate: undefined as unknown as number }, 'DIFFUSION_BAD_CONFIG'],
    [{ learningRate: NaN }, 'DIFFUSION_BAD_CONFIG'],
    [{ maxGradNorm: 0 }, 'DIFFUSION_BAD_CONFIG'],
    [{ noiseJitter: 1.5 }, 'DIFFUSION_BAD_CONFIG'],
    [{ noiseJitterMost: 0 }, 'DIFFUSION_BAD_CONFIG'],
    [{ classConditioning: { nullLabel: -1 } }, 'DIFFUSION_BAD_CONFIG'],
    [{ schedule: 'cosine' as const, totalSteps: undefined as unknown as number }, 'DIFFUSION_BAD_CONFIG'],
    [{ schedule: 'warmup_stable_decay' as const, totalSteps: 9, decaySteps: NaN }, 'DIFFUSION_BAD_CONFIG'],
    [{ schedule: 'cosin' as 'cosine' }, 'DIFFUSION_UNKNOWN_SCHEDULE'],
    [{ warmupSteps: -1 }, 'DIFFUSION_BAD_CONFIG'],
    [{ betas: [1, 0.999] as [number, number] }, 'DIFFUSION_BAD_CONFIG'],
    [{ betas: [0.9] as unknown as [number, number] }, 'DIFFUSION_BAD_CONFIG'],
    [{ weightDecay: NaN }, 'DIFFUSION_BAD_CONFIG'],
    [{ epsilon: -1 }, 'DIFFUSION_BAD_CONFIG'],
    [{ ema: { decay: 2 } }, 'DIFFUSION_BAD_CONFIG'],
    [{ ema: [{}, { decay: NaN }] }, 'DIFFUSION_BAD_CONFIG'],
    [{ ema: { invGamma: 0 } }, 'DIFFUSION_BAD_CONFIG'],
  ])('refuses %o', (options, code) => {
    const denoiser = affineDenoiser();
    expect(() => makeTrainer(denoiser, options)).toThrow(expect.objectContaining({ code }));
    denoiser.dispose();
  });

  it.each([
    ['nothing', () => undefined],
    ['no batch', () => []],
    ['a batch without images', () => ({})],
    ['an empty batch', () => ({ images: tf.zeros([0, 4, 4, 1]) })],
    ['bytes', () => ({ images: tf.zeros([1, 4, 4, 1], 'int32') })],
    ['a list with nothing', () => [undefined]],
  ])('refuses to train on %s', async (_, make) => {
    const denoiser = affineDenoiser();
    const trainer = makeTrainer(denoiser);
    await expect(async () => {
      const batches = make() as never;
      await expect(trainer.trainStep(batches)).rejects.toMatchObject({ code: 'DIFFUSION_BAD_IMAGES' });
      tf.dispose((batches as { images?: tf.Tensor } | undefined)?.images ?? []);
    }).toLeakNoTensors();
    trainer.dispose();
    denoiser.dispose();
  });

  it.each([
    ['another shape', () => tf.zeros([1, 2, 2, 1])],
    ['a promise', () => Promise.resolve(tf.zeros([1]))],
    ['nothing', () => undefined],
  ])('refuses a denoiser that answers with %s', async (_, answer) => {
    const denoiser = { ...affineDenoiser(), predict: answer as unknown as TrainableDenoiser['predict'] };
    const trainer = makeTrainer(denoiser, { compile: false });
    const images = normalImages(0);
    await expect(trainer.trainStep({ images })).rejects.toMatchObject({ code: 'DIFFUSION_BAD_DENOISER_OUTPUT' });
    for (const owned of [images, trainer, denoiser]) owned.dispose();
  });

  it.each([
    ['EulerDiscreteScheduler', new EulerDiscreteScheduler()],
    ['HeunDiscreteScheduler', new HeunDiscreteScheduler()],
    ['FlowMatchEulerDiscreteScheduler', new FlowMatchEulerDiscreteScheduler()],
    ['nothing', undefined],
  ])('refuses to train by the noise of %s, and says by whose', (_, scheduler) => {
    const denoiser = affineDenoiser();
    const bad = { code: 'DIFFUSION_BAD_TRAINER', message: expect.stringMatching(/new DDPMScheduler/) as string };
    expect(() => makeTrainer(denoiser, { scheduler: scheduler as never })).toThrow(
      expect.objectContaining(bad) as Error,
    );
    denoiser.dispose();
  });

  it('takes all schedulers of a chain', () => {
    for (const scheduler of [new DDIMScheduler(), new DPMSolverMultistepScheduler()]) {
      const denoiser = affineDenoiser();
      makeTrainer(denoiser, { scheduler }).dispose();
      denoiser.dispose();
    }
  });

  it.each([
    ['a function', () => tf.zeros([1])],
    ['a network without weights', { predict: () => tf.zeros([1]), parameters: () => [] }],
  ])('refuses %s as the denoiser', (_, denoiser) => {
    const bad = { code: 'DIFFUSION_BAD_TRAINER', message: expect.stringContaining('`denoiser`') as string };
    expect(() => makeTrainer(denoiser as never)).toThrow(expect.objectContaining(bad) as Error);
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

/** Typed arrays as lists, so that a state can pass JSON. */
function typed(_key: string, value: unknown): unknown {
  return value instanceof Float32Array ? [...value] : value;
}

describe('validate', () => {
  /** It answers 0, so that each image's error is the mean square of its noise, about 1. */
  const zero: Denoiser = { predict: (sample) => tf.zerosLike(sample) };
  async function* batches(sizes: number[]): AsyncGenerator<{ images: tf.Tensor4D }> {
    for (const size of sizes) yield { images: tf.zeros([size, 4, 4, 1]) };
  }
  const scheduler = new DDPMScheduler() as unknown as TrainingScheduler;

  it('measures every part of the chain on as many images, the same in batches of any size', async () => {
    const whole = await validate({ denoiser: zero, scheduler, batches: batches([40]), bins: 4, seed: 0 });
    const parts = await validate({ denoiser: zero, scheduler, batches: batches([25, 15]), bins: 4, seed: 0 });
    expect(parts.loss).toBeCloseTo(whole.loss, 6);
    expect(whole.bins.map(({ from, to, count }) => [from, to, count])).toEqual([
      [0, 249, 10],
      [250, 499, 10],
      [500, 749, 10],
      [750, 999, 10],
    ]);
    expect(whole.loss).toBeAllClose(whole.bins.reduce((sum, { loss }) => sum + loss / 4, 0));
    expect(whole.loss).toBeAllClose(1, { atol: 0.2 });
  });

  it('leaks nothing, and refuses bad bins', async () => {
    const run = (bins: number) => validate({ denoiser: zero, scheduler, batches: batches([3]), bins, seed: 0 });
    await expect(() => run(2)).toLeakNoTensors();
    await expect(run(0)).rejects.toMatchObject({ code: 'DIFFUSION_BAD_COUNT' });
  });
});
