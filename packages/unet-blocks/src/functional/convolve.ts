import * as tf from '@tensorflow/tfjs-core';
import { channelSums } from './channel-means.ts';

/** What a convolution can do to its result in the same pass. */
export type FusedActivation = 'linear' | 'relu';

/**
 * Convolution with bias, and relu where asked for, as one fused kernel, also while gradients are recorded. TensorFlow.js' own
 * gradient of the bias sums over the outer axes, which most engines do by transposing the image first; here it is a pooling.
 *
 * @param x images, NHWC
 * @param filter [height, width, in, out]
 * @param bias [out]
 */
export function convolve(
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  bias: tf.Tensor1D,
  stride = 1,
  pad: 'same' | 'valid' = 'same',
  activation: FusedActivation = 'linear',
): tf.Tensor4D {
  const attrs = { strides: [stride, stride], pad, dataFormat: 'NHWC' };
  const op = tf.customGrad((...args) => {
    const [image, kernel, shift, save] = args as [tf.Tensor4D, tf.Tensor4D, tf.Tensor1D, tf.GradSaveFunc];
    const value = tf
      .engine()
      .runKernel<tf.Tensor4D>(
        'FusedConv2D',
        { x: image, filter: kernel, bias: shift },
        { ...attrs, dilations: [1, 1], activation },
      );
    save(activation === 'relu' ? [image, kernel, value] : [image, kernel]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [x = image, w = kernel, y] = saved;
      const dz = y === undefined ? dy : tf.mul(dy, tf.step(y));
      return [
        tf.conv2dTranspose(dz as tf.Tensor4D, w as tf.Tensor4D, x.shape as tf.Tensor4D['shape'], stride, pad),
        tf.engine().runKernel<tf.Tensor>('Conv2DBackpropFilter', { x, dy: dz }, { ...attrs, filterShape: w.shape }),
        tf.reshape(channelSums(dz as tf.Tensor4D), [-1]),
      ];
    };
    return { value, gradFunc };
  });
  return op(x, filter, bias);
}
