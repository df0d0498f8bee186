import * as tf from '@tensorflow/tfjs-core';
import { spread, take, type Shape4D } from './convolution.ts';
import { composedKernel } from '../../composed-kernel.ts';

type Shape5D = [number, number, number, number, number];

interface Convolution3DAttributes {
  strides: number | [number, number, number];
  pad: 'same' | 'valid' | number;
}

/**
 * The gradients of a convolution in three dimensions. It is one in two dimensions over every window of frames, whose channels
 * lie side by side: [N * d, H, W, kd * C] with the filter [kh, kw, kd * C, K]. The built-in kernels are wrong: that by the input
 * for most filters, with numbers from beyond its tensors, and that by the filter for strides other than 1.
 */
export const conv3dBackpropInput = composedKernel<'dy' | 'filter', Convolution3DAttributes & { inputShape: Shape5D }>(
  'wasm',
  'Conv3DBackpropInputV2',
  ({ dy, filter }, attributes) => {
    const { inputShape } = attributes;
    const sizes = sizesOf(inputShape, filter.shape as Shape5D, attributes);
    const [kd, kh, kw, c, k] = filter.shape as Shape5D;
    const flat = tf.reshape<tf.Rank.R4>(tf.transpose(filter, [1, 2, 0, 3, 4]), [kh, kw, kd * c, k]);
    const inputs = { dy: tf.reshape(dy, sizes.outputs), filter: flat };
    const dx: tf.Tensor4D = tf.engine().runKernel('Conv2DBackpropInput', inputs, {
      ...sizes.attributes,
      inputShape: sizes.images,
    });
    return tf.reshape(fromWindows(dx, sizes), inputShape);
  },
);

export const conv3dBackpropFilter = composedKernel<'x' | 'dy', Convolution3DAttributes & { filterShape: Shape5D }>(
  'wasm',
  'Conv3DBackpropFilterV2',
  ({ x, dy }, attributes) => {
    const [kd, kh, kw, c, k] = attributes.filterShape;
    const sizes = sizesOf(x.shape as Shape5D, attributes.filterShape, attributes);
    const inputs = { x: windows(x, sizes), dy: tf.reshape(dy, sizes.outputs) };
    const flat: tf.Tensor4D = tf.engine().runKernel('Conv2DBackpropFilter', inputs, {
      ...sizes.attributes,
      filterShape: [kh, kw, kd * c, k],
    });
    return tf.transpose(tf.reshape(flat, [kh, kw, kd, c, k]), [2, 0, 1, 3, 4]);
  },
);

type Sizes = ReturnType<typeof sizesOf>;

function sizesOf(inputShape: Shape5D, filterShape: Shape5D, { strides, pad }: Convolution3DAttributes) {
  const info = tf.backend_util.computeConv3DInfo(inputShape, filterShape, strides, 1, pad);
  const { front, back, top, bottom, left, right } = info.padInfo;
  const [n, depth, height, width, c] = inputShape;
  const frames = n * info.outDepth;
  return {
    /** Each frame as one row of pixels. */
    rows: [n, depth, height * width, c] as Shape4D,
    taps: info.filterDepth,
    stride: info.strideDepth,
    outDepth: info.outDepth,
    front,
    padded: front + depth + back,
    images: [frames, height, width, info.filterDepth * c] as Shape4D,
    outputs: [frames, info.outHeight, info.outWidth, info.outChannels] as Shape4D,
    attributes: {
      strides: [info.strideHeight, info.strideWidth],
      pad: [[0, 0], [top, bottom], [left, right], [0, 0]], // prettier-ignore
      dilations: [1, 1],
      dataFormat: 'NHWC',
    },
  };
}

/** The frames that each window sees, side by side as channels. */
function windows(x: tf.Tensor, { rows, front, padded, taps, stride, outDepth, images }: Sizes): tf.Tensor4D {
  const [n, depth, pixels, c] = rows;
  const all = tf.pad(tf.reshape<tf.Rank.R4>(x, rows), alongDepth(front, padded - front - depth));
  const parts = Array.from({ length: taps }, (_, tap) =>
    take(all, [0, tap, 0, 0], [n, outDepth, pixels, c], [1, stride, 1, 1]),
  );
  return tf.reshape(tf.concat(parts, 3), images);
}

/** Puts frames back to where `windows` took them from, and adds up what comes to the same place. */
function fromWindows(images: tf.Tensor4D, { rows, front, padded, taps, stride, outDepth }: Sizes): tf.Tensor4D {
  const [n, , pixels, c] = rows;
  const parts = tf.split<tf.Tensor4D>(tf.reshape(images, [n, outDepth, pixels, taps * c]), taps, 3);
  const placed = parts.map((part, tap) => {
    const apart = spread(part, [stride, 1]);
    return tf.pad(apart, alongDepth(tap, padded - tap - apart.shape[1]));
  });
  return tf.slice(tf.addN(placed), [0, front, 0, 0], rows);
}

function alongDepth(before: number, after: number): [number, number][] {
  return [[0, 0], [before, after], [0, 0], [0, 0]]; // prettier-ignore
}
