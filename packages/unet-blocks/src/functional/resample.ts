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
    const edged = tf.mirrorPad(dy, [[0, 0], [1, 1], [1, 1], [0, 0]], 'symmetric'); // prettier-ignore
    return tf.depthwiseConv2d(edged, separableFilter([0.25, 0.75, 0.75, 0.25], dy.shape[3]), 2, 'valid');
  },
  () => doubleBilinear,
);

/** What lies outside an image. */
export type Boundary = 'zero' | 'reflect';

/**
 * Halving with the binomial-like filter (1, 3, 3, 1)/8 along each axis: diffusers' FIR downsampling (zeros outside) and the
 * k-diffusion one (reflection outside). [N, 2H, 2W, C] to [N, H, W, C].
 */
export function halveSmooth(x: tf.Tensor4D, boundary: Boundary): tf.Tensor4D {
  return tf.tidy(() => {
    const channels = x.shape[3];
    const taps = [1 / 8, 3 / 8, 3 / 8, 1 / 8];
    return tf.depthwiseConv2d(padOne(x, boundary), separableFilter(taps, channels), 2, 'valid');
  });
}

/** Doubling with the filter (1, 3, 3, 1)/4 along each axis, the counterpart of `halveSmooth`. [N, H, W, C] to [N, 2H, 2W, C]. */
export function doubleSmooth(x: tf.Tensor4D, boundary: Boundary): tf.Tensor4D {
  return tf.tidy(() => {
    const [images, height, width, channels] = x.shape;
    // Away from the edges this is bilinear doubling; one pixel of boundary puts the edges out of sight.
    const doubled = doubleBilinear(padOne(x, boundary));
    return tf.slice(doubled, [0, 2, 2, 0], [images, 2 * height, 2 * width, channels]);
  });
}

/** One more pixel on each side. Reflection by slices, because TensorFlow.js cannot differentiate its mirrored padding. */
function padOne(x: tf.Tensor4D, boundary: Boundary): tf.Tensor4D {
  if (boundary === 'zero') return tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]]); // prettier-ignore
  const reflect = (image: tf.Tensor4D, axis: 1 | 2) => {
    const size = image.shape.map((length, i) => (i === axis ? 1 : length));
    const at = (index: number) => tf.slice(image, axis === 1 ? [0, index, 0, 0] : [0, 0, index, 0], size);
    return tf.concat([at(1), image, at(image.shape[axis] - 2)], axis);
  };
  return reflect(reflect(x, 1), 2);
}

/** taps ⊗ taps as a filter of each channel, [4, 4, C, 1]. */
function separableFilter(taps: readonly number[], channels: number): tf.Tensor4D {
  const weights = taps.flatMap((a) => taps.flatMap((b) => new Array<number>(channels).fill(a * b)));
  return tf.tensor4d(weights, [taps.length, taps.length, channels, 1]);
}

/** Squares of 2 x 2 pixels become channels, channel by channel (einops' `b (c p1 p2) h w`). [N, 2H, 2W, C] to [N, H, W, 4C]. */
export function pixelUnshuffle(x: tf.Tensor4D): tf.Tensor4D {
  return tf.tidy(() => {
    const [images, height, width, channels] = x.shape;
    const squares = tf.reshape(x, [images, height / 2, 2, width / 2, 2, channels]);
    const byChannel = tf.transpose(squares, [0, 1, 3, 5, 2, 4]);
    return tf.reshape(byChannel, [images, height / 2, width / 2, 4 * channels]);
  });
}
