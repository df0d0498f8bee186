import * as tf from '@tensorflow/tfjs-core';
import { normal } from '../initializers.ts';
import { Module } from '../module.ts';

export interface SinusoidalOptions {
  /** Cosines before sines (diffusers' `flip_sin_to_cos`). Default false. */
  flipSinToCos?: boolean;
  /** Frequencies are maxPeriod^(-k/(half - shift)); diffusers' `downscale_freq_shift`. Default 1. */
  downscaleFreqShift?: number;
  /** Multiplies the angles. Default 1. */
  scale?: number;
  /** Default 10000. */
  maxPeriod?: number;
}

/**
 * The sinusoidal embedding of diffusion times (Vaswani et al. 2017, as used by Ho et al. 2020): sines and cosines of
 * t·maxPeriod^(-k/(half - shift)). An odd size ends with a zero.
 *
 * @param timesteps [N], float32
 * @returns [N, size]
 */
export function sinusoidalEmbedding(
  timesteps: tf.Tensor1D,
  size: number,
  options: SinusoidalOptions = {},
): tf.Tensor2D {
  const { flipSinToCos = false, downscaleFreqShift = 1, scale = 1, maxPeriod = 10000 } = options;
  return tf.tidy(() => {
    const half = Math.floor(size / 2);
    const frequencies = Array.from({ length: half }, (_, k) => {
      return Math.exp((-Math.log(maxPeriod) * k) / (half - downscaleFreqShift));
    });
    const angles = tf.mul(tf.reshape(timesteps, [-1, 1]), tf.tensor2d(frequencies, [1, half]));
    const scaled = scale === 1 ? angles : tf.mul(angles, scale);
    const [sines, cosines] = [tf.sin(scaled), tf.cos(scaled)];
    const halves = flipSinToCos ? [cosines, sines] : [sines, cosines];
    return tf.concat(size % 2 === 0 ? halves : [...halves, tf.zeros([timesteps.shape[0], 1])], 1) as tf.Tensor2D;
  });
}

/** t itself with sines and cosines of 2π·w·t for random frequencies w, frozen or trained (lucidrains, after v-diffusion). */
export class RandomSinusoids extends Module {
  private readonly weights;

  constructor({ count, trainable }: { count: number; trainable: boolean }) {
    super();
    this.weights = this.parameter<tf.Rank.R1>('weights', [Math.floor(count / 2)], { initializer: normal(), trainable });
  }

  /** [N] to [N, count + 1]. */
  forward(timesteps: tf.Tensor1D): tf.Tensor2D {
    return tf.tidy(() => {
      const times = tf.reshape<tf.Rank.R2>(timesteps, [-1, 1]);
      const angles = tf.mul(tf.mul(times, tf.reshape(this.weights.variable, [1, -1])), 2 * Math.PI);
      return tf.concat([times, tf.sin(angles), tf.cos(angles)] as tf.Tensor2D[], 1);
    });
  }
}
