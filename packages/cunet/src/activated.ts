import type * as tf from '@tensorflow/tfjs-core';
import { activation, type ActivationName, type Conv2d } from '@missing-u/unet-blocks';

/** A convolution and an activation after it, in one pass where kernels can. */
export function activated(conv: Conv2d, x: tf.Tensor4D, name: ActivationName): tf.Tensor4D {
  return name === 'relu' ? conv.forward(x, 'relu') : activation(name)(conv.forward(x));
}
