import * as tf from '@tensorflow/tfjs-core';
import { convolve, geometry, take, type ConvolutionAttributes, type Shape4D } from './convolution.ts';
import { composedKernel } from '../../composed-kernel.ts';

/** The gradient of a convolution by its filter, which wasm lacks: the reason why it cannot train convolutions as shipped. */
export const conv2dBackpropFilter = composedKernel<'x' | 'dy', ConvolutionAttributes & { filterShape: Shape4D }>(
  'wasm',
  'Conv2DBackpropFilter',
  ({ x, dy }, attributes) => {
    const [images, gradient] = [x as tf.Tensor4D, dy as tf.Tensor4D];
    if (attributes.dataFormat !== 'NCHW') return filterGradient(images, gradient, attributes.filterShape, attributes);
    const nhwc = (channelsFirst: tf.Tensor4D) => tf.transpose(channelsFirst, [0, 2, 3, 1]);
    return filterGradient(nhwc(images), nhwc(gradient), attributes.filterShape, attributes);
  },
);

function filterGradient(
  x: tf.Tensor4D,
  dy: tf.Tensor4D,
  filterShape: Shape4D,
  attributes: ConvolutionAttributes,
): tf.Tensor4D {
  const sizes = geometry(x.shape, filterShape, attributes);
  // With few images or few channels the convolution below has too little to do in its inner loop.
  const asConvolution = x.shape[0] >= 8 && x.shape[3] >= 8;
  return asConvolution ? byConvolution(x, dy, filterShape, sizes) : byProduct(x, dy, filterShape, sizes);
}

type Sizes = ReturnType<typeof geometry>;

/**
 * Images and channels change places: x^T [C, H, W, N] convolved with dy^T [h, w, N, K] as its filter, dilated by the
 * stride, gives [C, kh, kw, K]. Where the stride does not divide the image, a row or column too many comes out.
 */
function byConvolution(x: tf.Tensor4D, dy: tf.Tensor4D, filterShape: Shape4D, sizes: Sizes): tf.Tensor4D {
  const [kh, kw, c, k] = filterShape;
  const full = convolve('Conv2D', tf.transpose(x, [3, 1, 2, 0]), tf.transpose(dy, [1, 2, 0, 3]), {
    dilations: sizes.strides,
    padding: sizes.padding,
  });
  return tf.transpose(tf.slice(full, [0, 0, 0, 0], [c, kh, kw, k]), [1, 2, 0, 3]);
}

/** One matrix product: the shifted images of every filter tap, [kh*kw*C, N*h*w], times dy, [N*h*w, K]. */
function byProduct(x: tf.Tensor4D, dy: tf.Tensor4D, filterShape: Shape4D, sizes: Sizes): tf.Tensor4D {
  const [kh, kw, c, k] = filterShape;
  const [n] = x.shape;
  const [[oh, ow], [sy, sx]] = [sizes.out, sizes.strides];
  const [[top, bottom], [left, right]] = sizes.padding;
  const padding: [number, number][] = [
    [0, 0],
    [0, 0],
    [top, bottom],
    [left, right],
  ];
  const channelsFirst = tf.pad(tf.transpose(x, [3, 0, 1, 2]), padding);
  const shifted: tf.Tensor[] = [];
  for (let i = 0; i < kh; i++) {
    for (let j = 0; j < kw; j++) {
      const image = take(channelsFirst, [0, 0, i, j], [c, n, oh, ow], [1, 1, sy, sx]);
      shifted.push(tf.reshape(image, [c, n * oh * ow]));
    }
  }
  return tf.reshape(tf.matMul(tf.concat(shifted, 0), tf.reshape(dy, [n * oh * ow, k])), [kh, kw, c, k]);
}
