import { invalidArgument } from '@missing-u/errors';
import * as tf from '@tensorflow/tfjs-core';
import { DiffusionError } from '../errors.ts';

/** [-1, 1], in which models work, to [0, 1], clamped, in which diffusers' pipelines return images. */
export function toUnitRange(images: tf.Tensor4D): tf.Tensor4D {
  return tf.tidy(() => tf.clipByValue(tf.add(tf.mul(images, 0.5), 0.5), 0, 1));
}

/** [0, 1] to [-1, 1]. */
export function toModelRange(images: tf.Tensor4D): tf.Tensor4D {
  return tf.tidy(() => tf.sub(tf.mul(images, 2), 1));
}

/** @throws DiffusionError `DIFFUSION_BAD_IMAGES` for anything but a float32 tensor of rank 4 */
export function checkImages(images: tf.Tensor4D, argument = 'images', range = '[0, 1]'): void {
  if (images?.shape?.length === 4 && images.dtype === 'float32') return;
  const dtype = (images as tf.Tensor | undefined)?.dtype;
  const value = dtype === undefined ? images : `${dtype} of shape [${images.shape.join(', ')}]`;
  const allowed = `a float32 tensor [batch, height, width, channels] in ${range}`;
  throw new DiffusionError('DIFFUSION_BAD_IMAGES', invalidArgument({ argument, value, allowed }));
}
