import * as tf from '@tensorflow/tfjs-core';
import type { Pair, Shape4D } from './convolution.ts';
import type { HeapBackend, NumberArray } from '../heap.ts';

interface PoolAttributes {
  filterSize: Pair | number;
  strides: Pair | number;
  pad: 'same' | 'valid' | number;
  includeBatchInIndex: boolean;
}

/**
 * The largest element of each window, and where the first of its kind lies in its image, or in the batch. The built-in kernel
 * starts its search at zero, so it is wrong wherever a window holds no positive number.
 */
export const maxPoolWithArgmax: tf.KernelConfig = {
  kernelName: 'MaxPoolWithArgmax',
  backendName: 'wasm',
  kernelFunc: (args) => {
    const x = args.inputs['x']!;
    const { filterSize, strides, pad, includeBatchInIndex } = args.attrs as unknown as PoolAttributes;
    const info = tf.backend_util.computePool2DInfo(
      x.shape as Shape4D,
      filterSize as number,
      strides as number,
      [1, 1],
      pad,
    );
    const backend = args.backend as HeapBackend;
    const largest = backend.makeOutput(info.outShape, x.dtype);
    const indices = backend.makeOutput(info.outShape, 'int32');
    // Taken after the outputs were made, because these may move the memory.
    const values = backend.typedArrayFromHeap(x);
    const [to, at] = [backend.typedArrayFromHeap(largest), backend.typedArrayFromHeap(indices)];
    const counted = includeBatchInIndex ? values.length : info.inHeight * info.inWidth * info.inChannels;
    search(values, info).forEach((index, out) => {
      to[out] = values[index]!;
      at[out] = index % counted;
    });
    return [largest, indices];
  },
};

/** Where in `values` the largest element of each window and channel lies. */
function search(values: NumberArray, info: tf.backend_util.Conv2DInfo): Int32Array {
  const { batchSize, inHeight, inWidth, inChannels, outHeight, outWidth } = info;
  const winners = new Int32Array(batchSize * outHeight * outWidth * inChannels);
  let out = 0;
  for (let n = 0; n < batchSize; n++) {
    for (let y = 0; y < outHeight; y++) {
      const corner = y * info.strideHeight - info.padInfo.top;
      const [top, bottom] = [Math.max(0, corner), Math.min(inHeight, corner + info.filterHeight)];
      for (let x = 0; x < outWidth; x++) {
        const edge = x * info.strideWidth - info.padInfo.left;
        const [left, right] = [Math.max(0, edge), Math.min(inWidth, edge + info.filterWidth)];
        for (let c = 0; c < inChannels; c++) {
          let winner = ((n * inHeight + top) * inWidth + left) * inChannels + c;
          for (let row = top; row < bottom; row++) {
            let index = ((n * inHeight + row) * inWidth + left) * inChannels + c;
            for (let column = left; column < right; column++, index += inChannels) {
              if (values[index]! > values[winner]!) winner = index;
            }
          }
          winners[out++] = winner;
        }
      }
    }
  }
  return winners;
}
