import * as tf from '@tensorflow/tfjs-core';
import { take, type Pair, type Shape4D } from './convolution.ts';
import { composedKernel } from '../../composed-kernel.ts';

interface PoolAttributes {
  filterSize: Pair | number;
  strides: Pair | number;
  pad: 'same' | 'valid' | number | tf.backend_util.ExplicitPadding;
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/**
 * The gradient of max pooling: dy goes to the first largest element of each window. The built-in kernel starts its search
 * for the maximum at zero, so it gives wrong gradients wherever a window holds no positive number.
 */
export const maxPoolGrad = composedKernel<'dy' | 'input' | 'output', PoolAttributes>(
  'wasm',
  'MaxPoolGrad',
  ({ dy, input, output }, { filterSize, strides, pad, dimRoundingMode }) => {
    const shape = input.shape as Shape4D;
    const info = tf.backend_util.computePool2DInfo(
      shape,
      filterSize as number,
      strides as number,
      1,
      pad,
      dimRoundingMode,
    );
    const { top, bottom, left, right } = info.padInfo;
    const [n, , width, channels] = shape;
    const borders: [number, number][] = [
      [0, 0],
      [top, bottom],
      [left, right],
      [0, 0],
    ];
    const padded = tf.pad(input as tf.Tensor4D, borders, -Infinity);
    const corners = cornerIndices(info);
    const size: Shape4D = [n, info.outHeight, info.outWidth, channels];

    // From the last tap of the window to the first, so that the first of equal elements wins.
    let winner: tf.Tensor = tf.zerosLike(corners);
    for (let i = info.filterHeight - 1; i >= 0; i--) {
      for (let j = info.filterWidth - 1; j >= 0; j--) {
        const element = take(padded, [0, i, j, 0], size, [1, info.strideHeight, info.strideWidth, 1]);
        const index = tf.add(corners, tf.scalar((i * width + j) * channels, 'int32'));
        winner = tf.where(tf.equal(element, output), index, winner);
      }
    }
    return tf.reshape(tf.scatterND(tf.reshape(winner, [dy.size, 1]), tf.reshape(dy, [dy.size]), [input.size]), shape);
  },
);

/** For each window and channel, where its first tap lies in the flat input (before it, where the tap is padding). */
function cornerIndices(info: tf.backend_util.Conv2DInfo): tf.Tensor4D {
  const { batchSize, inHeight, inWidth, inChannels, outHeight, outWidth, padInfo } = info;
  const indices = new Int32Array(batchSize * outHeight * outWidth * inChannels);
  let at = 0;
  for (let n = 0; n < batchSize; n++) {
    for (let y = 0; y < outHeight; y++) {
      const row = n * inHeight + y * info.strideHeight - padInfo.top;
      for (let x = 0; x < outWidth; x++) {
        const pixel = row * inWidth + x * info.strideWidth - padInfo.left;
        for (let c = 0; c < inChannels; c++) indices[at++] = pixel * inChannels + c;
      }
    }
  }
  return tf.tensor4d(indices, [batchSize, outHeight, outWidth, inChannels], 'int32');
}
