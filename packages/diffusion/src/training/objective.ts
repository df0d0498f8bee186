import { unknownName } from '@missing-u/errors';
import * as tf from '@tensorflow/tfjs-core';
import type { TrainableDenoiser, TrainingScheduler } from '../contracts.ts';
import { DiffusionError } from '../errors.ts';
import type { FlatParameters } from './flat-parameters.ts';

/** diffusers' names of what a denoiser predicts. */
export const predictionTypes = ['epsilon', 'sample', 'v_prediction'] as const;

/** What the network should answer for a noised image: the noise, the clean image, or the velocity (Salimans & Ho 2022). */
export function trainingTarget(
  scheduler: TrainingScheduler,
  clean: tf.Tensor4D,
  noise: tf.Tensor4D,
  timesteps: ArrayLike<number>,
): tf.Tensor4D {
  const { prediction_type: predictionType = 'epsilon' } = scheduler.config;
  if (predictionType === 'epsilon') return tf.clone(noise);
  if (predictionType === 'sample') return tf.clone(clean);
  if (predictionType === 'v_prediction') return scheduler.getVelocity(clean, noise, timesteps);
  const message = unknownName('predictionType', predictionType, predictionTypes);
  throw new DiffusionError('DIFFUSION_UNKNOWN_PREDICTION_TYPE', message);
}

/**
 * The mean squared error of the network's answer (the simple loss, Ho et al. 2020, eq. 14) and its gradient.
 *
 * @param noisy [batch, height, width, channels]; `timesteps` [batch]; `target` like `noisy`.
 * @returns `loss`, a scalar, and `gradient`, the vector of all parameters' gradients.
 */
export function lossAndGradient(
  denoiser: TrainableDenoiser,
  parameters: FlatParameters,
  noisy: tf.Tensor4D,
  timesteps: tf.Tensor1D,
  target: tf.Tensor4D,
): { loss: tf.Scalar; gradient: tf.Tensor1D } {
  return tf.tidy(() => {
    const { variables } = parameters;
    const { value, grads } = tf.variableGrads(
      () => tf.mean(tf.square(tf.sub(denoiser.predict(noisy, timesteps), target))),
      variables,
    );
    const gradient = parameters.flatten(variables.map((variable) => grads[variable.name] ?? null));
    return { loss: value, gradient };
  });
}

/** The gradient scaled down to `maxNorm` where its Euclidean norm is larger (`torch.nn.utils.clip_grad_norm_`). */
export function clipByGlobalNorm(gradient: tf.Tensor1D, maxNorm: number): { clipped: tf.Tensor1D; norm: tf.Scalar } {
  return tf.tidy(() => {
    const norm: tf.Scalar = tf.sqrt(tf.sum(tf.square(gradient)));
    const scale = tf.minimum(tf.div(maxNorm, tf.add(norm, 1e-6)), 1);
    return { clipped: tf.mul(gradient, scale), norm };
  });
}
