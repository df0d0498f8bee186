import * as tf from '@tensorflow/tfjs-core';
import { conv2dBackpropFilterGradient } from './conv2d-backprop-filter.ts';
import { cumsumGradient } from './cumsum.ts';
import { dilatedConv2dGradient, dilatedDepthwiseGradient } from './dilated-convolution.ts';
import { einsumGradient } from './einsum.ts';
import { mirrorPadGradient } from './mirror-pad.ts';
import { prodGradient } from './prod.ts';

let extended = false;

/**
 * Registers the gradients of all operations, once. tfjs-core alone has none, and the file that registers them cannot be
 * imported in Node; tfjs-layers brings them along.
 */
export async function registerGradients(): Promise<void> {
  if (tf.getGradient('Add') === undefined) await import('@tensorflow/tfjs-layers');
  for (const gradient of [einsumGradient, conv2dBackpropFilterGradient]) {
    if (tf.getGradient(gradient.kernelName) === undefined) tf.registerGradient(gradient);
  }
  if (extended) return;
  extended = true;
  replaceGradient('Conv2D', dilatedConv2dGradient);
  replaceGradient('DepthwiseConv2dNative', dilatedDepthwiseGradient);
  replaceGradient('MirrorPad', mirrorPadGradient);
  replaceGradient('Cumsum', cumsumGradient);
  replaceGradient('Prod', prodGradient);
}

function replaceGradient(name: string, replacement: (core: tf.GradConfig) => tf.GradConfig): void {
  const core = tf.getGradient(name);
  tf.unregisterGradient(name);
  tf.registerGradient(replacement(core));
}
