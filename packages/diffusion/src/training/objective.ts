import { hasKernel, isTaping } from '@missing-u/autodiff';
import { unknownName } from '@missing-u/errors';
import * as tf from '@tensorflow/tfjs-core';
import { checkOutput } from '../check-output.ts';
import type { Condition, TrainableDenoiser, TrainingScheduler } from '../contracts.ts';
import { DiffusionError } from '../errors.ts';
import { predictWithDropout } from './dropout.ts';
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

/** What the loss is given besides images, times and targets. */
export interface LossOptions {
  /** [batch], how much each image's error counts; by default each counts 1 / batch, which gives the mean. */
  shares?: tf.Tensor1D;
  condition?: Condition;
  /** Draws of dropout, [batch, size] in [0, 1); without them it is off, or as `train` of the network left it. */
  dropout?: tf.Tensor2D;
}

/**
 * The mean squared error of the network's answer (the simple loss, Ho et al. 2020, eq. 14) and its gradient.
 *
 * @param noisy [batch, height, width, channels]; `timesteps` [batch]; `target` like `noisy`.
 * @returns `loss`, a scalar; `errors`, the squared error of each image [batch]; and `gradient`, the vector of all parameters'
 *   gradients.
 * @throws DiffusionError `DIFFUSION_BAD_DENOISER_OUTPUT`
 */
export function lossAndGradient(
  denoiser: TrainableDenoiser,
  parameters: FlatParameters,
  noisy: tf.Tensor4D,
  timesteps: tf.Tensor1D,
  target: tf.Tensor4D,
  { shares, ...inputs }: LossOptions = {},
): { loss: tf.Scalar; errors: tf.Tensor1D; gradient: tf.Tensor1D } {
  return tf.tidy(() => {
    const { variables } = parameters;
    const batch = noisy.shape[0];
    const weights = shares ?? tf.fill<tf.Rank.R1>([batch], 1 / batch);
    const errorsOf = (): tf.Tensor1D => {
      const output = predictWithDropout(denoiser, noisy, timesteps, inputs);
      checkOutput(output, noisy, target.shape);
      return tf.mean(tf.square(tf.sub(output, target)), [1, 2, 3]);
    };
    // The weights are the vector of the vector-Jacobian product, so that one pass gives the errors and the loss's gradient.
    const { value: errors, grads } = tf.engine().gradients(errorsOf, variables, weights, true);
    return { loss: tf.sum(tf.mul(errors, weights)), errors, gradient: parameters.flatten(grads) };
  });
}

/** The Euclidean norm of a vector, summed in parts that are added in double precision where the engine has an operation for it. */
export function vectorNorm(vector: tf.Tensor1D): tf.Scalar {
  if (hasKernel('VectorNorm') && !isTaping()) return tf.engine().runKernel('VectorNorm', { x: vector });
  return tf.tidy(() => tf.sqrt(tf.sum<tf.Scalar>(tf.square(vector))));
}

/** What a gradient of some norm is multiplied by, so that it is no longer than `maxNorm` (`torch.nn.utils.clip_grad_norm_`). */
export function clippingScale(norm: number, maxNorm: number): number {
  return Math.min(maxNorm / (norm + 1e-6), 1);
}

/** The gradient scaled down to `maxNorm` where its Euclidean norm is larger (`torch.nn.utils.clip_grad_norm_`). */
export function clipByGlobalNorm(gradient: tf.Tensor1D, maxNorm: number): { clipped: tf.Tensor1D; norm: tf.Scalar } {
  return tf.tidy(() => {
    const norm = vectorNorm(gradient);
    const scale = tf.minimum(tf.div(maxNorm, tf.add(norm, 1e-6)), 1);
    return { clipped: tf.mul(gradient, scale), norm };
  });
}
