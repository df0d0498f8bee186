import * as tf from '@tensorflow/tfjs-core';
import { channelSums } from './channel-means.ts';

/**
 * Convolution with bias as one fused kernel. TensorFlow.js' own gradient of the bias sums over the outer axes, which most
 * engines do by transposing the image first; here it is a pooling.
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
): tf.Tensor4D {
  const attrs = { strides: [stride, stride], pad, dataFormat: 'NHWC' };
  const op = tf.customGrad((...args) => {
    const [image, kernel, shift, save] = args as [tf.Tensor4D, tf.Tensor4D, tf.Tensor1D, tf.GradSaveFunc];
    save([image, kernel]);
    const value = tf.fused.conv2d({ x: image, filter: kernel, bias: shift, strides: stride, pad });
    const gradFunc = (dy: tf.Tensor, [x = image, w = kernel]: tf.Tensor[]) => [
      tf.conv2dTranspose(dy as tf.Tensor4D, w as tf.Tensor4D, x.shape as tf.Tensor4D['shape'], stride, pad),
      tf.engine().runKernel<tf.Tensor>('Conv2DBackpropFilter', { x, dy }, { ...attrs, filterShape: w.shape }),
      tf.reshape(channelSums(dy as tf.Tensor4D), [-1]),
    ];
    return { value, gradFunc };
  });
  return op(x, filter, bias);
}
