import * as tf from '@tensorflow/tfjs-core';
import { spread, take, type Pair, type Shape4D } from './convolution.ts';
import { composedKernel } from '../../composed-kernel.ts';

interface DilationAttributes {
  strides: Pair | number;
  pad: 'same' | 'valid';
  dilations: Pair | number;
}

/**
 * The greyscale dilation of images of floating-point numbers, and its gradients, in which dy goes to the first largest tap. The
 * built-in kernels begin their search for the largest at zero, so they are wrong for negative images.
 */
export const dilation2dKernels = ['Dilation2D', 'Dilation2DBackpropInput', 'Dilation2DBackpropFilter'] as const;

export function dilation2d(builtIn: tf.KernelConfig): tf.KernelConfig {
  const compute = computations[builtIn.kernelName as (typeof dilation2dKernels)[number]];
  const composed = composedKernel<'x' | 'filter' | 'dy', DilationAttributes>(
    'wasm',
    builtIn.kernelName,
    ({ x, filter, dy }, attributes) => compute(x as tf.Tensor4D, filter as tf.Tensor3D, attributes, dy as tf.Tensor4D),
  );
  return {
    ...builtIn,
    kernelFunc: (args) => (args.inputs['x']!.dtype === 'float32' ? composed : builtIn).kernelFunc(args),
  };
}

type Compute = (x: tf.Tensor4D, filter: tf.Tensor3D, attributes: DilationAttributes, dy: tf.Tensor4D) => tf.Tensor;

const computations: Record<(typeof dilation2dKernels)[number], Compute> = {
  Dilation2D: (x, filter, attributes) => largest(taps(x, filter, attributes).values),

  /** Each tap sends what it won back to the places that it was taken from. */
  Dilation2DBackpropInput(x, filter, attributes, dy) {
    const { values, offsets, info } = taps(x, filter, attributes);
    const { padInfo, inHeight, inWidth, strideHeight, strideWidth } = info;
    const height = inHeight + padInfo.top + padInfo.bottom;
    const width = inWidth + padInfo.left + padInfo.right;
    const parts = won(values, dy).map((slope, tap) => {
      const [top, left] = offsets[tap]!;
      const apart = spread(slope, [strideHeight, strideWidth]);
      return tf.pad(apart, [
        [0, 0],
        [top, height - top - apart.shape[1]],
        [left, width - left - apart.shape[2]],
        [0, 0],
      ]);
    });
    return tf.slice(tf.addN(parts), [0, padInfo.top, padInfo.left, 0], x.shape);
  },

  Dilation2DBackpropFilter(x, filter, attributes, dy) {
    const sums = won(taps(x, filter, attributes).values, dy).map((slope) => tf.sum(slope, [0, 1, 2]));
    return tf.reshape(tf.stack(sums), filter.shape);
  },
};

/** What each tap of the filter makes of the pixels that it meets. */
function taps(x: tf.Tensor4D, filter: tf.Tensor3D, { strides, pad, dilations }: DilationAttributes) {
  const info = tf.backend_util.computeDilation2DInfo(
    x.shape,
    filter.shape,
    strides as number,
    pad,
    'NHWC',
    dilations as number,
  );
  const { top, bottom, left, right } = info.padInfo;
  const borders: [number, number][] = [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ];
  const padded = tf.pad(x, borders, -Infinity);
  const [height, width, channels] = filter.shape;
  const offsets = Array.from({ length: height * width }, (_, tap): Pair => [
    Math.floor(tap / width) * info.dilationHeight,
    (tap % width) * info.dilationWidth,
  ]);
  const size: Shape4D = [x.shape[0], info.outHeight, info.outWidth, channels];
  const weights = tf.unstack(tf.reshape(filter, [height * width, channels]));
  const values = offsets.map(([y, x], tap) =>
    tf.add(take(padded, [0, y, x, 0], size, [1, info.strideHeight, info.strideWidth, 1]), weights[tap]!),
  );
  return { values, offsets, info };
}

function largest(values: tf.Tensor[]): tf.Tensor {
  return values.reduce((most, value) => tf.maximum(most, value));
}

/** For each tap, dy where it is the first largest one, and zero elsewhere. */
function won(values: tf.Tensor[], dy: tf.Tensor4D): tf.Tensor4D[] {
  const most = largest(values);
  let left = dy;
  return values.map((value) => {
    const isLargest = tf.equal(value, most);
    const slope = tf.where(isLargest, left, tf.zerosLike(left));
    left = tf.where(isLargest, tf.zerosLike(left), left);
    return slope;
  });
}
