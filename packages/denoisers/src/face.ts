import * as tf from '@tensorflow/tfjs-core';
import { invalidArgument } from '@missing-u/errors';
import type { Generator } from '@missing-u/random';
import { bm3dAsync, type Bm3dAsyncOptions } from './bm3d/bm3d.ts';
import { DenoisersError } from './errors.ts';
import { checkSigma } from './raster.ts';

export interface DenoiseOptions {
  /** Standard deviation of the noise, on the scale of 0 to 1. */
  sigma: number;
}

/** What all denoisers have in common, so that a table of many is one loop. */
export interface ImageDenoiser {
  /** @param images [images, height, width, channels] of 0 to 1 plus noise; returns new ones of the same shape. */
  denoise(images: tf.Tensor4D, options: DenoiseOptions): tf.Tensor4D | Promise<tf.Tensor4D>;
}

/** A network that `trainDenoiser` can train: `forward` gives clean images. */
export interface TrainableDenoiser {
  readonly channels: number;
  forward(images: tf.Tensor4D): tf.Tensor4D;
  parameters(): readonly { readonly name: string; readonly variable: tf.Variable }[];
}

/** BM3D with the common face: each image of the batch by itself. */
export function bm3dDenoiser(options: Bm3dAsyncOptions = {}): ImageDenoiser {
  return {
    async denoise(images, { sigma }) {
      const pictures = tf.unstack(images) as tf.Tensor3D[];
      const results: tf.Tensor3D[] = [];
      try {
        for (const picture of pictures) results.push(await bm3dAsync(picture, sigma, options));
        return tf.stack(results) as tf.Tensor4D;
      } finally {
        tf.dispose([pictures, results]);
      }
    },
  };
}

/** A diffusion model: predicts noise, velocity or image (as its scheduler was told) at a timestep. */
export interface DiffusionModel {
  predict(sample: tf.Tensor4D, timesteps: number): tf.Tensor4D;
}

/** A scheduler of discrete timesteps. */
export interface DiffusionScheduler {
  /** The share of the clean image's variance at each timestep. */
  readonly alphasCumprod: ArrayLike<number>;
  readonly timesteps: ArrayLike<number>;
  /** What pure noise is multiplied by at the beginning; 1 where it is left out. */
  readonly initNoiseSigma?: number;
  setTimesteps(request: { timesteps: ArrayLike<number> }): void;
  step(
    modelOutput: tf.Tensor4D,
    t: number,
    sample: tf.Tensor4D,
    options?: { generator?: Generator },
  ): { prevSample: tf.Tensor4D; predOriginalSample: tf.Tensor4D };
}

/**
 * A diffusion model as a denoiser without training: the noisy image is taken for the sample at the timestep whose noise
 * is as strong, and the reverse process runs from there to the clean image.
 *
 * An image y = x + sigma n of 0 to 1 is 2y - 1 with noise 2 sigma for the model; the forward process has noise
 * sqrt((1 - a) / a) beside the image at a timestep with cumulative product a, once it is scaled by sqrt(a).
 *
 * @param steps reverse steps; default as many as timesteps are left
 * @param generator draws the fresh noise of schedulers that add some in their steps, such as DDPM's
 * @throws DenoisersError `DENOISERS_BAD_OPTION`
 */
export function diffusionDenoiser(
  model: DiffusionModel,
  scheduler: DiffusionScheduler,
  { steps, generator }: { steps?: number; generator?: Generator } = {},
): ImageDenoiser {
  const stepOptions = generator && { generator };
  if (steps !== undefined && !(Number.isInteger(steps) && steps > 0)) {
    const bad = { argument: 'steps', value: steps, allowed: 'an integer of 1 or more' };
    throw new DenoisersError('DENOISERS_BAD_OPTION', invalidArgument(bad));
  }
  // Euler's and its like step through images whose variance grows with the noise.
  if ((scheduler.initNoiseSigma ?? 1) !== 1) {
    throw badScheduler(scheduler, "one whose noisy images keep their variance, such as DDIM's");
  }
  return {
    denoise(images, { sigma }) {
      checkSigma(sigma);
      const start = timestepOf(2 * sigma, scheduler.alphasCumprod);
      if (start === undefined) return tf.clone(images);
      scheduler.setTimesteps({ timesteps: evenly(start, Math.min(steps ?? start + 1, start + 1)) });
      if (scheduler.timesteps[0] !== start) {
        throw badScheduler(scheduler, 'one that goes from noise to images, and not back');
      }
      return tf.tidy(() => {
        let sample = tf.mul<tf.Tensor4D>(tf.sub(tf.mul(images, 2), 1), Math.sqrt(scheduler.alphasCumprod[start]!));
        for (const t of Array.from(scheduler.timesteps)) {
          const previous = sample;
          sample = tf.tidy(() => scheduler.step(model.predict(previous, t), t, previous, stepOptions).prevSample);
          previous.dispose();
        }
        return tf.mul<tf.Tensor4D>(tf.add(sample, 1), 0.5);
      });
    },
  };
}

function badScheduler(value: DiffusionScheduler, allowed: string): DenoisersError {
  return new DenoisersError('DENOISERS_BAD_OPTION', invalidArgument({ argument: 'scheduler', value, allowed }));
}

/** The timestep whose noise is nearest, or undefined where there is less noise than half of the first's. */
function timestepOf(noise: number, alphasCumprod: ArrayLike<number>): number | undefined {
  const levels = Array.from(alphasCumprod, (a) => Math.sqrt((1 - a) / a));
  if (noise < levels[0]! / 2) return undefined;
  return levels.reduce((best, level, t) => (Math.abs(level - noise) < Math.abs(levels[best]! - noise) ? t : best), 0);
}

/** So many timesteps from the first down to 0, without repetition. */
function evenly(start: number, count: number): number[] {
  if (count === 1) return [start];
  return Array.from({ length: count }, (_, i) => Math.round(start - (i * start) / (count - 1)));
}
