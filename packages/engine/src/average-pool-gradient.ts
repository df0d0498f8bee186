import * as tf from '@tensorflow/tfjs-core';
import { composedKernel, replaceKernel, runBuiltIn } from './composed-kernel.ts';

interface PoolAttributes {
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
      const { filterSize, strides, pad, dimRoundingMode } = attributes;
      const shape = input.shape as [number, number, number, number];
      const info = tf.backend_util.computePool2DInfo(shape, filterSize, strides, 1, pad, dimRoundingMode);
      const { top, bottom, left, right } = info.padInfo;
      const gradient = (scaled: tf.Tensor) => runBuiltIn(builtIn, { dy: scaled, input }, attributes);
      if (top + bottom + left + right === 0) return gradient(dy);
      const rows = windowShares(info.inHeight, info.filterHeight, info.strideHeight, top, info.outHeight);
      const columns = windowShares(info.inWidth, info.filterWidth, info.strideWidth, left, info.outWidth);
      const scale = tf.mul(tf.reshape(rows, [1, -1, 1, 1]), tf.reshape(columns, [1, 1, -1, 1]));
      return gradient(tf.mul(dy, scale));
    }),
  );
}

/** For each window along an axis: its length over the number of its pixels that are no padding. */
function windowShares(length: number, size: number, stride: number, padBefore: number, count: number): tf.Tensor1D {
  const shares = Array.from({ length: count }, (_, i) => {
    const begin = i * stride - padBefore;
    return size / (Math.min(begin + size, length) - Math.max(begin, 0));
  });
  return tf.tensor1d(shares);
}
