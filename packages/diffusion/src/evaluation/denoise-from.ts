import { invalidArgument } from '@missing-u/errors';
import * as tf from '@tensorflow/tfjs-core';
import { nonFiniteOutput } from '../check-output.ts';
import type { Denoiser, SamplingScheduler, TrainingScheduler } from '../contracts.ts';
import { DiffusionError } from '../errors.ts';
import { nextTurn } from '../next-turn.ts';
import { answerOf } from '../pipelines/answer.ts';
import { generatorsOf, noisePerItem, type Randomness } from '../pipelines/noise.ts';
import { Predictor } from '../pipelines/predictor.ts';
import { checkImages, checkValues } from '../pipelines/ranges.ts';
import { checkMetrics } from './check-metrics.ts';

/** A comparison of images with the clean ones, both [batch, height, width, channels] in [-1, 1]: one value per image. */
export interface Measure {
  compute(images: tf.Tensor4D, clean: tf.Tensor4D): tf.Tensor1D;
  /** Which values are better: SSIM and PSNR are better when higher, LPIPS and the mean squared error when lower. */
  better: 'higher' | 'lower';
}

export interface DenoiseFromOptions {
  unet: Denoiser;
  /** A DDPM scheduler of the chain that the denoiser was trained on. */
  scheduler: TrainingScheduler & Omit<SamplingScheduler, 'setTimesteps'> & ChainScheduler;
  /** Clean images, [batch, height, width, channels], float32 in [-1, 1]; they stay alive. */
  images: tf.Tensor4D;
  /** How many forward steps noise the images: 50 noises them to the paper's t = 50, which is timestep 49. */
  steps: number;
  /** Image i is noised by fork `first + i`; default seed 0. */
  generator?: Randomness;
  /** Number of the first image, where the images are part of a larger set; default 0. */
  first?: number;
  measures: Readonly<Record<string, Measure>>;
  /**
   * Draw fresh noise in the reverse steps as in sampling; default false: the posterior mean, as the paper's code does. Images then
   * come to have less noise than their timestep says, which a network knows only if it was trained with `noiseJitter`.
   */
  addNoise?: boolean;
  /** Whether the network runs as a graph, as in pipelines; by default those of this project do where the engine has graphs. */
  compile?: boolean;
  signal?: AbortSignal;
  onStep?: (step: DenoisingStep) => void | Promise<void>;
}

interface ChainScheduler {
  setTimesteps(request: { timesteps: ArrayLike<number> }): void;
}

export interface DenoisingStep {
  /** Reverse steps made: 1 after the first. */
  step: number;
  timestep: number;
  /** Time of the network's calls so far, in seconds; making its graph is not in it. */
  seconds: number;
  /** Per measure, the value of each image. */
  values: Record<string, Float32Array>;
}

/** The best of one measure over the reverse process: means over the images of each image's own best. */
export interface BestDenoising {
  value: number;
  /** Reverse steps to it. */
  step: number;
  /** Time of the network's calls to it, in seconds. */
  seconds: number;
}

export interface DenoisingResult {
  /** The values of the noised images, before the first step. */
  noisy: Record<string, Float32Array>;
  steps: DenoisingStep[];
  best: Record<string, BestDenoising>;
}

/**
 * The denoising experiment of the paper's section 5.2: noise clean images to t0 by the forward process, run the reverse
 * process from there, and compare the running image with the clean one after every step.
 *
 * @throws DiffusionError `DIFFUSION_BAD_COUNT` where `steps` is outside 1 .. the length of the chain;
 *   `DIFFUSION_NOT_COMPILABLE` where `compile` is true and it cannot be; `DIFFUSION_BAD_IMAGES`; `DIFFUSION_BAD_METRICS`;
 *   `DIFFUSION_BAD_GENERATORS`; `DIFFUSION_BAD_DENOISER_OUTPUT`.
 */
export async function denoiseFrom(options: DenoiseFromOptions): Promise<DenoisingResult> {
  const { scheduler, images, measures, generator = 0, first = 0, addNoise = false, signal, onStep } = options;
  checkMetrics(measures, ['compute'], 'measures');
  checkImages(images, 'images', '[-1, 1]');
  checkValues(await images.data<'float32'>(), 'images', '[-1, 1]');
  const timesteps = descending(options.steps, Number(scheduler.config['num_train_timesteps']));
  const generators = generatorsOf(generator, first, images.shape[0]);
  const imageShape = images.shape.slice(1) as [number, number, number];
  scheduler.setTimesteps({ timesteps });
  let sample = tf.tidy(() => {
    const first = generators.map(() => timesteps[0]!);
    return scheduler.addNoise(images, noisePerItem(generators, imageShape), first);
  });
  const unet = new Predictor(options.unet, options.compile);
  try {
    unet.prepare(sample, timesteps[0]!);
    const noisy = await measure(measures, sample, images);
    const steps: DenoisingStep[] = [];
    let seconds = 0;
    for (const [index, timestep] of timesteps.entries()) {
      await nextTurn();
      signal?.throwIfAborted();
      const begin = performance.now();
      const output = await answerOf(unet, sample, timestep, undefined);
      try {
        const values = await output.data(); // An engine may compute in the background.
        seconds += (performance.now() - begin) / 1000;
        if (!values.every(Number.isFinite)) throw nonFiniteOutput(timestep, index);
        const next = tf.tidy(() => {
          const noise = addNoise ? noisePerItem(generators, imageShape) : tf.zerosLike(sample);
          return scheduler.step(output, timestep, sample, { noise }).prevSample;
        });
        sample.dispose();
        sample = next;
      } finally {
        output.dispose();
      }
      const step = { step: index + 1, timestep, seconds, values: await measure(measures, sample, images) };
      steps.push(step);
      await onStep?.(step);
    }
    const best = Object.entries(measures).map(([name, { better }]) => [name, bestOf(name, better, steps)] as const);
    return { noisy, steps, best: Object.fromEntries(best) };
  } finally {
    sample.dispose();
    unet.dispose();
  }
}

function descending(steps: number, chain: number): number[] {
  if (Number.isInteger(steps) && steps >= 1 && steps <= chain) {
    return Array.from({ length: steps }, (_, i) => steps - 1 - i);
  }
  const allowed = `an integer from 1 to ${chain}, the length of the trained chain`;
  throw new DiffusionError('DIFFUSION_BAD_COUNT', invalidArgument({ argument: 'steps', value: steps, allowed }));
}

async function measure(
  measures: Readonly<Record<string, Measure>>,
  images: tf.Tensor4D,
  clean: tf.Tensor4D,
): Promise<Record<string, Float32Array>> {
  const values: Record<string, Float32Array> = {};
  for (const [name, { compute }] of Object.entries(measures)) {
    const result = tf.tidy(() => compute(images, clean));
    values[name] = (await result.data()) as Float32Array;
    result.dispose();
  }
  return values;
}

function bestOf(name: string, better: 'higher' | 'lower', steps: readonly DenoisingStep[]): BestDenoising {
  const sign = better === 'higher' ? 1 : -1;
  const count = steps[0]!.values[name]!.length;
  const sum = { value: 0, step: 0, seconds: 0 };
  for (let image = 0; image < count; image++) {
    const best = steps.reduce((a, b) => (sign * b.values[name]![image]! > sign * a.values[name]![image]! ? b : a));
    sum.value += best.values[name]![image]!;
    sum.step += best.step;
    sum.seconds += best.seconds;
  }
  return { value: sum.value / count, step: sum.step / count, seconds: sum.seconds / count };
}
