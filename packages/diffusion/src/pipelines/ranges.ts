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

/** How values on other scales come to one of the two that images have. */
const scales = {
  '[0, 1]': { low: 0, high: 1, remedy: 'divide values of 0 to 255 by 255; of values x in [-1, 1] take (x + 1) / 2' },
  '[-1, 1]': { low: -1, high: 1, remedy: 'divide values of 0 to 255 by 127.5, and subtract 1' },
};

type Range = keyof typeof scales;

/** @throws DiffusionError `DIFFUSION_BAD_IMAGES` for anything but a float32 tensor of rank 4 */
export function checkImages(images: tf.Tensor4D, argument = 'images', range: Range = '[0, 1]'): void {
  if (images?.shape?.length === 4 && images.dtype === 'float32') return;
  const dtype = (images as tf.Tensor | undefined)?.dtype;
  const value = dtype === undefined ? images : `${dtype} of shape [${images.shape.join(', ')}]`;
  const allowed = `a float32 tensor [batch, height, width, channels] in ${range}`;
  throw new DiffusionError('DIFFUSION_BAD_IMAGES', invalidArgument({ argument, value, allowed }));
}

/**
 * Refuses values on another scale. Noise and sharp edges may leave the range a little: by half of it.
 *
 * @throws DiffusionError `DIFFUSION_BAD_IMAGES`
 */
export function checkValues(values: Float32Array, argument = 'images', range: Range = '[0, 1]'): void {
  const { low, high, remedy } = scales[range];
  const slack = (high - low) / 2;
  const beyond = values.find((value) => !(value >= low - slack && value <= high + slack));
  if (beyond === undefined) return;
  const bad = { argument, value: `values such as ${beyond}`, allowed: `a tensor of values in ${range}`, remedy };
  throw new DiffusionError('DIFFUSION_BAD_IMAGES', invalidArgument(bad));
}
