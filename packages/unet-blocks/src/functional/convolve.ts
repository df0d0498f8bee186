import * as tf from '@tensorflow/tfjs-core';
import { hasKernel, isTaping } from '@missing-u/autodiff';
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
      const { dz, dbias } = biasGradients(dy as tf.Tensor4D, y as tf.Tensor4D | undefined);
      return [
        tf.conv2dTranspose(dz, w as tf.Tensor4D, x.shape as tf.Tensor4D['shape'], stride, pad),
        tf.engine().runKernel<tf.Tensor>('Conv2DBackpropFilter', { x, dy: dz }, { ...attrs, filterShape: w.shape }),
        dbias,
      ];
    };
    return { value, gradFunc };
  });
  return op(x, filter, bias);
}

/** What comes back through the activation, whose result was y, and of that the sum per channel. */
function biasGradients(dy: tf.Tensor4D, y: tf.Tensor4D | undefined): { dz: tf.Tensor4D; dbias: tf.Tensor } {
  const fused = hasKernel('ReluBiasGrad') && !isTaping();
  if (fused && y !== undefined) {
    const [dz, dbias] = tf.engine().runKernel<tf.Tensor[]>('ReluBiasGrad', { dy, y });
    return { dz: dz as tf.Tensor4D, dbias: dbias! };
  }
  if (fused) return { dz: dy, dbias: tf.engine().runKernel<tf.Tensor>('ChannelSums', { x: dy }) };
  const dz: tf.Tensor4D = y === undefined ? dy : tf.mul(dy, tf.step(y));
  return { dz, dbias: tf.reshape(channelSums(dz), [-1]) };
}
