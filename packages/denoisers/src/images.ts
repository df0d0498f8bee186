import type * as tf from '@tensorflow/tfjs-core';
import { invalidArgument } from '@missing-u/errors';
import { DenoisersError } from './errors.ts';

/** Refuses what is not a batch of images of so many channels. */
export function checkImages(images: tf.Tensor4D, channels: number): void {
  if (images?.shape?.length === 4 && images.shape[3] === channels && images.dtype === 'float32') return;
  const allowed = `a float32 tensor of shape [images, height, width, ${channels}]`;
  throw new DenoisersError('DENOISERS_BAD_IMAGE', invalidArgument({ argument: 'images', value: images, allowed }));
}
