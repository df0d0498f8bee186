import * as tf from '@tensorflow/tfjs-core';
import type { TrainingScheduler } from '../contracts.ts';

/**
 * The clean images that a network's answer to noisy ones stands for: x0 from epsilon, x0 or v, one timestep per image.
 *
 * @param noisy, output [batch, height, width, channels]
 */
export function estimateClean(
  { alphasCumprod, config }: TrainingScheduler,
  noisy: tf.Tensor4D,
  output: tf.Tensor4D,
  timesteps: ArrayLike<number>,
): tf.Tensor4D {
  const { prediction_type: predictionType = 'epsilon' } = config;
  if (predictionType === 'sample') return tf.clone(output);
  return tf.tidy(() => {
    const column = (at: (product: number) => number) =>
      tf.tensor4d(
        Float32Array.from(timesteps, (t) => at(alphasCumprod[t]!)),
        [timesteps.length, 1, 1, 1],
      );
    const signal = column(Math.sqrt);
    const sigma = column((product) => Math.sqrt(1 - product));
    if (predictionType === 'v_prediction') return tf.sub(tf.mul(noisy, signal), tf.mul(output, sigma));
    return tf.div(tf.sub(noisy, tf.mul(output, sigma)), signal);
  });
}
