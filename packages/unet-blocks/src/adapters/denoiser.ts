import * as tf from '@tensorflow/tfjs-core';
import { invalidArgument } from '@missing-u/errors';
import { checkSample, timestepTensor, type Timesteps } from '../checks.ts';
import { UNetError } from '../errors.ts';
import type { NamedParameter } from '../module.ts';

/** What the whole family of packages takes for a model: anything that predicts from noisy images and times. */
export interface Denoiser {
  /** [N, H, W, C] and times to a new tensor of the same images. */
  predict(sample: tf.Tensor4D, timesteps: Timesteps): tf.Tensor4D;
  /** The weights, where it can be trained. */
  parameters?(): NamedParameter[];
}

/** A denoiser that can be trained. */
export interface TrainableDenoiser extends Denoiser {
  parameters(): NamedParameter[];
}

/**
 * A denoiser from a function of images and times [N] (float32); what the function makes on the way is tidied. It may answer with a
 * tensor that it holds: predictions are clones.
 *
 * @param variables what can be trained in it; its names are the keys
 */
export function fromFunction(
  predict: (sample: tf.Tensor4D, timesteps: tf.Tensor1D) => tf.Tensor4D,
  variables: Readonly<Record<string, tf.Variable>> = {},
): TrainableDenoiser {
  if (typeof predict !== 'function') {
    const bad = { argument: 'predict', value: predict, allowed: 'a function of images and times' };
    throw new UNetError('UNET_ADAPTER', invalidArgument(bad));
  }
  const named = Object.entries(variables).map(([name, variable]) => ({ name, variable }));
  return {
    predict: (sample, timesteps) =>
      tf.tidy(() => {
        checkSample(sample, sample.shape[3]);
        return prediction(
          predict(sample, timestepTensor(timesteps, sample.shape[0])),
          sample,
          'predict(sample, timesteps)',
        );
      }),
    parameters: () => named,
  };
}

/** What `fromLayersModel` needs of a `tf.LayersModel`. */
export interface LayersModelLike {
  readonly inputs: readonly { readonly shape: readonly (number | null)[] }[];
  readonly weights: readonly { readonly originalName: string; read(): tf.Tensor }[];
  apply(inputs: tf.Tensor[]): unknown;
}

/**
 * A denoiser from a `tf.LayersModel` with two inputs, images [N, H, W, C] and times [N] or [N, 1]. Its weights are the
 * model's own variables, so training either trains both.
 */
export function fromLayersModel(model: LayersModelLike): TrainableDenoiser {
  const [images, times] = model.inputs ?? [];
  if (images?.shape.length !== 4 || times === undefined || times.shape.length > 2 || model.inputs.length !== 2) {
    const allowed = 'a layers model with two inputs: images [N, H, W, C] and times [N] or [N, 1]';
    throw new UNetError('UNET_ADAPTER', invalidArgument({ argument: 'model', value: model, allowed }));
  }
  return {
    predict: (sample, timesteps) =>
      tf.tidy(() => {
        checkSample(sample, images.shape[3] ?? sample.shape[3]);
        const flat = timestepTensor(timesteps, sample.shape[0]);
        // `apply` instead of `predict`: it is recorded on a tape, and does not cut the batch.
        const inputs = [sample, times.shape.length === 2 ? tf.reshape(flat, [-1, 1]) : flat];
        return prediction(model.apply(inputs), sample, 'model.apply(inputs)');
      }),
    parameters: () =>
      model.weights.map((weight) => ({ name: weight.originalName, variable: weight.read() as tf.Variable })),
  };
}

/**
 * What a function gave for a sample, as a tensor of its own: callers dispose of a prediction while they go on with the sample, and
 * functions with what they hold.
 */
function prediction(result: unknown, sample: tf.Tensor4D, argument: string): tf.Tensor4D {
  const sizes = sample.shape.slice(0, 3);
  if (!(result instanceof tf.Tensor) || result.rank !== 4 || sizes.some((size, axis) => result.shape[axis] !== size)) {
    const bad = { argument, value: result, allowed: `a tensor [${sizes.join(', ')}, channels], as the sample` };
    throw new UNetError('UNET_ADAPTER', invalidArgument(bad));
  }
  return tf.clone(result as tf.Tensor4D);
}
