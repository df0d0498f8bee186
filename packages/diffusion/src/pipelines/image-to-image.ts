import { invalidArgument } from '@missing-u/errors';
import * as tf from '@tensorflow/tfjs-core';
import { DiffusionError } from '../errors.ts';
import type { DiffusionPipeline } from './diffusion-pipeline.ts';
import { generatorsOf, noisePerItem, type Randomness } from './noise.ts';
import { finish, reverseProcess } from './reverse-process.ts';
import { toModelRange, toUnitRange } from './ranges.ts';

export interface ImageToImageOptions {
  /** [batch, height, width, channels], float32 in [0, 1]; they stay alive. */
  images: tf.Tensor4D;
  /** How much of the image is given up: 0 (nothing) to 1 (everything but the size); default 0.8, as in diffusers. */
  strength?: number;
  /** Steps of the whole schedule, of which the last `strength` share is run; default 50. */
  numInferenceSteps?: number;
  /** A seed or a generator, whose fork i draws image i, or a list with one for each image. */
  generator: Randomness;
  eta?: number;
  signal?: AbortSignal;
}

/**
 * Noises images part of the way and denoises them from there (SDEdit, Meng et al. 2022): variations that keep the layout.
 *
 * @returns [batch, height, width, channels] in [0, 1], which the caller disposes.
 * @throws DiffusionError `DIFFUSION_BAD_STRENGTH`
 */
export async function imageToImage(pipeline: DiffusionPipeline, options: ImageToImageOptions): Promise<tf.Tensor4D> {
  const { images, strength = 0.8, numInferenceSteps = 50, eta, signal } = options;
  if (!(strength >= 0 && strength <= 1)) {
    const message = invalidArgument({ argument: 'strength', value: strength, allowed: 'a number from 0 to 1' });
    throw new DiffusionError('DIFFUSION_BAD_STRENGTH', message);
  }
  const { unet, scheduler } = pipeline;
  scheduler.setTimesteps(numInferenceSteps);
  const all = Array.from(scheduler.timesteps);
  // diffusers' get_timesteps: the last floor(N * strength) of the N steps.
  const timesteps = all.slice(all.length - Math.min(all.length, Math.floor(all.length * strength)));
  if (timesteps.length === 0) return tf.clone(images);
  const generators = generatorsOf(options.generator, 0, images.shape[0]);
  const sample = tf.tidy(() => {
    const noise = noisePerItem(generators, images.shape.slice(1) as [number, number, number]);
    const times = generators.map(() => timesteps[0]!);
    return scheduler.addNoise(toModelRange(images), noise, times);
  });
  const process = reverseProcess({
    unet,
    scheduler,
    sample,
    timesteps,
    generators,
    ...(eta === undefined ? {} : { eta }),
    ...(signal === undefined ? {} : { signal }),
  });
  const result = await finish(process);
  const unit = toUnitRange(result);
  result.dispose();
  return unit;
}
