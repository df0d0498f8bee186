import * as tf from '@tensorflow/tfjs-core';
import { composedKernel, replaceKernel, runBuiltIn } from './composed-kernel.ts';

export interface PoolAttributes {
  filterSize: [number, number] | number;
  strides: [number, number] | number;
  pad: 'same' | 'valid' | number | tf.backend_util.ExplicitPadding;
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/**
 * Makes the gradient of average pooling right at padded borders. The forward pass divides by the number of pixels that a
 * window holds, while the built-in gradients of cpu and wasm divide by the size of the window: they get a dy that makes up
 * for that.
 */
export function replaceAveragePoolGradient(backendName: 'cpu' | 'wasm'): void {
  const builtIn = tf.getKernel('AvgPoolGrad', backendName);
  replaceKernel(
    composedKernel<'dy' | 'input', PoolAttributes>(backendName, 'AvgPoolGrad', ({ dy, input }, attributes) => {
      const shares = windowShares(input.shape, attributes);
      const scaled = shares === undefined ? dy : tf.mul(dy, shares);
      return runBuiltIn(builtIn, { dy: scaled, input }, attributes);
    }),
  );
}

/**
 * For each window [1, h, w, 1], its size over the number of its pixels that are no padding; undefined where nothing is padded.
 */
export function windowShares(
  shape: number[],
  { filterSize, strides, pad, dimRoundingMode }: PoolAttributes,
): tf.Tensor | undefined {
  const images = shape as [number, number, number, number];
  const info = tf.backend_util.computePool2DInfo(images, filterSize, strides, 1, pad, dimRoundingMode);
  const { top, bottom, left, right } = info.padInfo;
  if (top + bottom + left + right === 0) return undefined;
  const rows = sharesAlong(info.inHeight, info.filterHeight, info.strideHeight, top, info.outHeight);
  const columns = sharesAlong(info.inWidth, info.filterWidth, info.strideWidth, left, info.outWidth);
  return tf.mul(tf.reshape(rows, [1, -1, 1, 1]), tf.reshape(columns, [1, 1, -1, 1]));
}

/** For each window along an axis: its length over the number of its pixels that are no padding. */
function sharesAlong(length: number, size: number, stride: number, padBefore: number, count: number): tf.Tensor1D {
  const shares = Array.from({ length: count }, (_, i) => {
    const begin = i * stride - padBefore;
    return size / (Math.min(begin + size, length) - Math.max(begin, 0));
  });
  return tf.tensor1d(shares);
}
