import { invalidArgument } from '@missing-u/errors';
import * as tf from '@tensorflow/tfjs-core';
import { checkNames } from '../check-names.ts';
import type { SamplingScheduler } from '../contracts.ts';
import { DiffusionError } from '../errors.ts';
import { checkSampler } from './check-sampler.ts';
import { guidedOptionNames, type DiffusionPipeline, type GuidedOptions } from './diffusion-pipeline.ts';
import { generatorsOf, noisePerItem, type Randomness } from './noise.ts';
import { withOwnScheduler } from './own-scheduler.ts';
import { finish } from './reverse-process.ts';
import { checkImages, checkValues, toModelRange, toUnitRange } from './ranges.ts';
import { visitFor, type StepCallback } from './step-callback.ts';

/** Denoising from part of the way. */
export interface PartialOptions extends GuidedOptions {
  /** How much of the image is given up: 0 (nothing) to 1 (everything but the size); default 0.8, as in diffusers. */
  strength?: number;
  /** Steps of the whole schedule, of which the last `strength` share is run; default 50. */
  numInferenceSteps?: number;
  /** A seed or a generator, whose fork i draws image i, or a list with one for each image; default seed 0. */
  generator?: Randomness;
  /** Called after each step; tensors that it returns take the place of the step's. */
  callbackOnStepEnd?: StepCallback;
}

export const partialOptionNames: Record<keyof PartialOptions, true> = {
  ...guidedOptionNames,
  ...{ strength: true, numInferenceSteps: true, generator: true, callbackOnStepEnd: true },
};

export interface ImageToImageOptions extends PartialOptions {
  /** [batch, height, width, channels], float32 in [0, 1]; they stay alive. */
  images: tf.Tensor4D;
}

const imageToImageOptionNames: Record<keyof ImageToImageOptions, true> = { ...partialOptionNames, images: true };

/** What our schedulers have besides: several timesteps per step, and timesteps that may be listed twice. */
interface PartialScheduler {
  readonly order?: number;
  setBeginIndex?(index: number): void;
  /** Of PNDM: the timesteps of its Runge-Kutta steps, with which it begins. */
  readonly prkTimesteps?: ArrayLike<number>;
}

/**
 * Noises images part of the way and denoises them from there (SDEdit, Meng et al. 2022): variations that keep the layout.
 *
 * @returns [batch, height, width, channels] in [0, 1], which the caller disposes.
 * @throws DiffusionError `DIFFUSION_BAD_STRENGTH`, `DIFFUSION_BAD_IMAGES`, `DIFFUSION_BAD_GENERATORS`,
 *   `DIFFUSION_UNKNOWN_OPTION`, `DIFFUSION_BAD_PIPELINE`
 */
export async function imageToImage(pipeline: DiffusionPipeline, options: ImageToImageOptions): Promise<tf.Tensor4D> {
  checkNames(options, imageToImageOptionNames);
  const { images, generator = 0, ...partial } = options;
  checkImages(images);
  checkValues(await images.data<'float32'>());
  const generators = generatorsOf(generator, 0, images.shape[0]);
  const noise = noisePerItem(generators, images.shape.slice(1) as [number, number, number]);
  try {
    return await denoisePartially(pipeline, images, noise, generators, partial);
  } finally {
    noise.dispose();
  }
}

/** Noises images in [0, 1] by `strength` with this noise, and denoises them. */
export async function denoisePartially(
  pipeline: DiffusionPipeline,
  images: tf.Tensor4D,
  noise: tf.Tensor4D,
  generators: ReturnType<typeof generatorsOf>,
  options: Omit<PartialOptions, 'generator'>,
): Promise<tf.Tensor4D> {
  return withOwnScheduler(pipeline.scheduler as SamplingScheduler & PartialScheduler, (scheduler) =>
    denoiseWith(scheduler, pipeline, images, noise, generators, options),
  );
}

async function denoiseWith(
  scheduler: SamplingScheduler & PartialScheduler,
  pipeline: DiffusionPipeline,
  images: tf.Tensor4D,
  noise: tf.Tensor4D,
  generators: ReturnType<typeof generatorsOf>,
  { strength = 0.8, numInferenceSteps = 50, callbackOnStepEnd, ...guided }: Omit<PartialOptions, 'generator'>,
): Promise<tf.Tensor4D> {
  checkSampler(scheduler);
  if (!(strength >= 0 && strength <= 1)) {
    const message = invalidArgument({ argument: 'strength', value: strength, allowed: 'a number from 0 to 1' });
    throw new DiffusionError('DIFFUSION_BAD_STRENGTH', message);
  }
  scheduler.setTimesteps(numInferenceSteps);
  // diffusers' get_timesteps: the last floor(N * strength) of the N steps.
  const steps = Math.floor(numInferenceSteps * strength);
  const begin = (numInferenceSteps - steps) * (scheduler.order ?? 1);
  const timesteps = Array.from(scheduler.timesteps).slice(begin);
  if (steps === 0 || timesteps.length === 0) return tf.clone(images);
  if (begin > 0 && (scheduler.prkTimesteps?.length ?? 0) > 0) {
    const allowed = '0 or 1 with the Runge-Kutta steps of PNDM, which begin at pure noise';
    const remedy = 'make the scheduler with `skipPrkSteps: true`, or take another one';
    const message = invalidArgument({ argument: 'strength', value: strength, allowed, remedy });
    throw new DiffusionError('DIFFUSION_BAD_STRENGTH', message);
  }
  scheduler.setBeginIndex?.(begin);
  const sample = tf.tidy(() => {
    const times = generators.map(() => timesteps[0]!);
    return scheduler.addNoise(toModelRange(images), noise, times);
  });
  const process = pipeline.reverse({ ...guided, scheduler, sample, timesteps, generators });
  const result = await finish(process, visitFor(pipeline, callbackOnStepEnd));
  const unit = toUnitRange(result);
  result.dispose();
  return unit;
}
