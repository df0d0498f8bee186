import * as tf from '@tensorflow/tfjs-core';

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
