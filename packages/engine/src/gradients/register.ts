import * as tf from '@tensorflow/tfjs-core';
import { conv2dBackpropFilterGradient } from './conv2d-backprop-filter.ts';
import { einsumGradient } from './einsum.ts';

/**
 * Registers the gradients of all operations, once. tfjs-core alone has none, and the file that registers them cannot be
 * imported in Node; tfjs-layers brings them along.
 */
export async function registerGradients(): Promise<void> {
  if (tf.getGradient('Add') === undefined) await import('@tensorflow/tfjs-layers');
  for (const gradient of [einsumGradient, conv2dBackpropFilterGradient]) {
    if (tf.getGradient(gradient.kernelName) === undefined) tf.registerGradient(gradient);
  }
}
