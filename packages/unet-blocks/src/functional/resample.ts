import * as tf from '@tensorflow/tfjs-core';

/**
 * Halving and doubling of images. Each op is linear, so its gradient is another of them, its transpose; TensorFlow.js' own
 * gradients of resizing are wrong for half-pixel centres and absent on some engines.
 */
type Resample = (x: tf.Tensor4D) => tf.Tensor4D;

/** Makes an op of a linear map and (lazily, as they refer to each other) of the op that is its transpose. */
function linearOp(map: Resample, transpose: () => Resample): Resample {
  return (x) =>
    tf.customGrad((image) => ({
      value: map(image as tf.Tensor4D),
      gradFunc: (dy: tf.Tensor) => transpose()(dy as tf.Tensor4D),
    }))(x) as tf.Tensor4D;
}

/** Means of 2 x 2 pixels: equal to bilinear halving without aligned corners. [N, 2H, 2W, C] to [N, H, W, C]. */
export const halveByMean: Resample = linearOp(
  (x) => tf.avgPool(x, 2, 2, 'valid'),
  () => (dy) => tf.mul(doubleNearest(dy), 0.25),
);

/** Each pixel becomes 2 x 2 pixels. [N, H, W, C] to [N, 2H, 2W, C]. */
export const doubleNearest: Resample = linearOp(
  (x) => tf.image.resizeNearestNeighbor(x, [2 * x.shape[1], 2 * x.shape[2]]),
  () => (dy) => tf.mul(halveByMean(dy), 4),
);

/**
 * Bilinear doubling with half-pixel centres (PyTorch's `align_corners=False`): along each axis
 * out[2i] = x[i-1]/4 + 3x[i]/4 and out[2i+1] = 3x[i]/4 + x[i+1]/4, the edges repeated. [N, H, W, C] to [N, 2H, 2W, C].
 */
export const doubleBilinear: Resample = linearOp(
  (x) => tf.image.resizeBilinear(x, [2 * x.shape[1], 2 * x.shape[2]], false, true),
  () => doubleBilinearTransposed,
);

/** The transpose: along each axis out[i] = (x[2i-1] + 3x[2i] + 3x[2i+1] + x[2i+2])/4, the edges repeated. */
const doubleBilinearTransposed: Resample = linearOp(
  (dy) => {
    const channels = dy.shape[3];
    const taps = [0.25, 0.75, 0.75, 0.25];
    const weights = taps.flatMap((a) => taps.flatMap((b) => new Array<number>(channels).fill(a * b)));
    const edged = tf.mirrorPad(dy, [[0, 0], [1, 1], [1, 1], [0, 0]], 'symmetric'); // prettier-ignore
    return tf.depthwiseConv2d(edged, tf.tensor4d(weights, [4, 4, channels, 1]), 2, 'valid');
  },
  () => doubleBilinear,
);
