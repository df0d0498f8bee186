import { invalidArgument } from '@missing-u/errors';
import type { Generator } from '@missing-u/random';
import * as tf from '@tensorflow/tfjs-core';
import { DiffusionError } from '../errors.ts';

export interface NoiseJitterOptions {
  /**
   * Share of the images, from 0 to 1, whose noise is more or less than their timestep says, by a factor drawn from 0 to
   * `noiseJitterMost`; default 0. Nothing tells the network which.
   *
   * A reverse process shows a network such images, and the simple loss never does. Without fresh noise, as in the denoising of the
   * paper's section 5.2 (`denoiseFrom`), and with a perfect estimate of x0, an image that was noised to t0 has at t only
   * (sigma_t / sqrt(abar_t)) / (sigma_t0 / sqrt(abar_t0)) of the noise that t stands for (the coefficient of x_t in Ho et al. 2020,
   * eq. 7, multiplied over the steps). In sampling it has some percents more, since errors of the estimates add up (Ning et al.
   * 2023, "Input Perturbation Reduces Exposure Bias").
   */
  noiseJitter?: number;
  /** The largest factor; default 1.2. */
  noiseJitterMost?: number;
}

/** The options with their defaults. */
export function noiseJitterOf({ noiseJitter = 0, noiseJitterMost = 1.2 }: NoiseJitterOptions = {}) {
  return { noiseJitter, noiseJitterMost };
}

/** @throws DiffusionError `DIFFUSION_BAD_CONFIG` */
export function checkNoiseJitter(options: NoiseJitterOptions): void {
  const refuse = (argument: string, value: number, allowed: string): never => {
    throw new DiffusionError('DIFFUSION_BAD_CONFIG', invalidArgument({ argument, value, allowed }));
  };
  const { noiseJitter, noiseJitterMost } = noiseJitterOf(options);
  if (!(noiseJitter >= 0 && noiseJitter <= 1)) refuse('noiseJitter', noiseJitter, 'a number from 0 to 1');
  if (!(noiseJitterMost > 0 && noiseJitterMost < Infinity)) {
    refuse('noiseJitterMost', noiseJitterMost, 'a number above 0');
  }
}

/** Factors for the noise of a batch's images, [count]: 1 for most of them. */
export function noiseFactors(generator: Generator, count: number, options: NoiseJitterOptions): Float32Array {
  const { noiseJitter, noiseJitterMost } = noiseJitterOf(options);
  return Float32Array.from({ length: count }, () => {
    const [chosen, factor] = [generator.uniform() < noiseJitter, noiseJitterMost * generator.uniform()];
    return chosen ? factor : 1;
  });
}

/** Each image of a batch, [count, height, width, channels], times its factor. */
export function scaleImages(images: tf.Tensor4D, factors: Float32Array): tf.Tensor4D {
  return tf.tidy(() => tf.mul(images, tf.tensor4d(factors, [factors.length, 1, 1, 1])));
}
