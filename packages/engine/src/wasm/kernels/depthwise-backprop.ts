import * as tf from '@tensorflow/tfjs-core';
import { convolve, geometry, spread, take, turned, type ConvolutionAttributes, type Shape4D } from './convolution.ts';
import { composedKernel } from '../../composed-kernel.ts';

/**
 * The gradient of a depthwise convolution by its input: dy, spread out by the stride, convolved with the turned filter,
 * then summed over the channel multiplier. Filter [kh, kw, C, M], dy [N, h, w, C * M].
 */
export const depthwiseBackpropInput = composedKernel<'dy' | 'filter', ConvolutionAttributes & { inputShape: Shape4D }>(
  'wasm',
  'DepthwiseConv2dNativeBackpropInput',
  (inputs, attributes) => {
    const { inputShape } = attributes;
    const [dy, filter] = [inputs.dy as tf.Tensor4D, inputs.filter as tf.Tensor4D];
    const { strides, dilations, padding } = geometry(inputShape, filter.shape, attributes, true);
    const [n, height, width, channels] = inputShape;
    const [kh, kw, , multiplier] = filter.shape;
    const spreadOut = spread(dy, strides);
    const before = [(kh - 1) * dilations[0] - padding[0][0], (kw - 1) * dilations[1] - padding[1][0]] as const;
    const after = [height + padding[0][0] - spreadOut.shape[1], width + padding[1][0] - spreadOut.shape[2]] as const;
    const taps = tf.reshape<tf.Rank.R4>(turned(filter), [kh, kw, channels * multiplier, 1]);
    const full = convolve('DepthwiseConv2dNative', spreadOut, taps, {
      dilations,
      padding: [
        [before[0], after[0]],
        [before[1], after[1]],
      ],
    });
    return multiplier === 1 ? full : tf.sum(tf.reshape(full, [n, height, width, channels, multiplier]), 4);
  },
);

/** The gradient of a depthwise convolution by its filter: for each tap, shifted images times dy, summed over all places. */
export const depthwiseBackpropFilter = composedKernel<'x' | 'dy', ConvolutionAttributes & { filterShape: Shape4D }>(
  'wasm',
  'DepthwiseConv2dNativeBackpropFilter',
  (inputs, attributes) => {
    const { filterShape } = attributes;
    const [x, dy] = [inputs.x as tf.Tensor4D, inputs.dy as tf.Tensor4D];
    const { strides, dilations, padding, out } = geometry(x.shape, filterShape, attributes, true);
    const [kh, kw, channels, multiplier] = filterShape;
    const [n] = x.shape;
    const padded = tf.pad(x, [[0, 0], [...padding[0]], [...padding[1]], [0, 0]]);
    const dyByChannel = tf.reshape(dy, [n * out[0] * out[1], channels, multiplier]);
    const sums: tf.Tensor[] = [];
    for (let i = 0; i < kh; i++) {
      for (let j = 0; j < kw; j++) {
        const begin: Shape4D = [0, i * dilations[0], j * dilations[1], 0];
        const image = take(padded, begin, [n, ...out, channels], [1, ...strides, 1]);
        sums.push(tf.sum(tf.mul(tf.reshape(image, [n * out[0] * out[1], channels, 1]), dyByChannel), 0));
      }
    }
    return tf.reshape(tf.stack(sums), [kh, kw, channels, multiplier]);
  },
);
