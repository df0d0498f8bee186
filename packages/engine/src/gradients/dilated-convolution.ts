import * as tf from '@tensorflow/tfjs-core';
import { writtenOut, type Pad } from '../numeric-padding.ts';

/** What the gradient of a convolution is told about it. */
interface ConvolutionAttributes {
  strides: [number, number] | number;
  pad: Pad;
  dataFormat?: 'NHWC' | 'NCHW';
  dilations?: [number, number] | number | null;
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/** The gradients of a convolution over channels-last images by its image and by its filter. */
interface DilatedGradient {
  image(dy: tf.Tensor4D, filter: tf.Tensor4D, sizes: tf.backend_util.Conv2DInfo): tf.Tensor4D;
  filter(dy: tf.Tensor4D, x: tf.Tensor4D, sizes: tf.backend_util.Conv2DInfo): tf.Tensor4D;
}

/**
 * The gradients of `tf.conv2d` and `tf.depthwiseConv2d` where they are dilated, which tfjs-core refuses. Both are made of
 * operations that have gradients themselves. A dilated convolution has stride 1: tfjs allows no other.
 *
 * @param core the gradient for convolutions that are not dilated
 */
function withDilations(core: tf.GradConfig, depthwise: boolean, gradient: DilatedGradient): tf.GradConfig {
  return {
    ...core,
    gradFunc: (dy, saved, attrs) => {
      const { strides, pad, dataFormat, dilations, dimRoundingMode } = attrs as unknown as ConvolutionAttributes;
      if ([dilations ?? 1].flat().every((dilation) => dilation === 1)) return core.gradFunc(dy, saved, attrs);
      const first = dataFormat === 'NCHW';
      const toLast = (x: tf.Tensor): tf.Tensor4D => (first ? tf.transpose(x, [0, 2, 3, 1]) : x) as tf.Tensor4D;
      const back = (x: tf.Tensor4D): tf.Tensor4D => (first ? tf.transpose(x, [0, 3, 1, 2]) : x);
      const [x, filter, slope] = [toLast(saved[0]!), saved[1] as tf.Tensor4D, toLast(dy as tf.Tensor)];
      const sizes = tf.backend_util.computeConv2DInfo(
        ...[x.shape, filter.shape, strides, dilations!, channelsLast(pad, first), dimRoundingMode, depthwise],
      );
      return { x: () => back(gradient.image(slope, filter, sizes)), filter: () => gradient.filter(slope, x, sizes) };
    },
  };
}

/** Padding for images whose channels come last, whatever `pad` was written for. */
function channelsLast(pad: Pad, first: boolean): Exclude<Pad, number> {
  const amounts = writtenOut(pad, 'NHWC');
  return first && typeof pad === 'object' ? [pad[0], pad[2], pad[3], pad[1]] : amounts;
}

export const dilatedConv2dGradient = (core: tf.GradConfig): tf.GradConfig =>
  withDilations(core, false, {
    /** The convolution of dy with the turned filter, dilated alike. */
    image(dy, filter, { padInfo, dilationHeight, dilationWidth, filterHeight, filterWidth, inHeight, inWidth }) {
      const turned = tf.transpose(tf.reverse(filter, [0, 1]), [0, 1, 3, 2]);
      const [reachY, reachX] = [(filterHeight - 1) * dilationHeight, (filterWidth - 1) * dilationWidth];
      const around = tf.pad(dy, [
        [0, 0],
        [reachY, reachY],
        [reachX, reachX],
        [0, 0],
      ]);
      const full = tf.conv2d(around, turned, 1, 'valid', 'NHWC', [dilationHeight, dilationWidth]);
      return tf.slice(full, [0, padInfo.top, padInfo.left, 0], [-1, inHeight, inWidth, -1]);
    },

    /** For each tap, the shifted images times dy, summed over all places: one matrix product. */
    filter(dy, x, sizes) {
      const places = dy.shape[0] * dy.shape[1] * dy.shape[2];
      const flat = (image: tf.Tensor4D) => tf.reshape(image, [places, image.shape[3]]);
      const products = shifted(x, sizes).map((image) => tf.matMul(flat(image), flat(dy), true));
      return tf.reshape(tf.stack(products), sizes.filterShape);
    },
  });

/** Filters [kh, kw, C, M], dy [N, h, w, C * M]. */
export const dilatedDepthwiseGradient = (core: tf.GradConfig): tf.GradConfig =>
  withDilations(core, true, {
    /** Each tap sends dy, times its weights, back to the places that it was taken from. */
    image(dy, filter, sizes) {
      const { padInfo, inHeight, inWidth } = sizes;
      const [n, h, w] = dy.shape;
      const [kh, kw, channels, multiplier] = filter.shape;
      const slopes = tf.reshape(dy, [n, h, w, channels, multiplier]);
      const weights = tf.unstack(tf.reshape(filter, [kh * kw, channels, multiplier]));
      const [height, width] = paddedSize(sizes);
      const parts = offsets(sizes).map(([y, x], tap) => {
        const sent = tf.sum<tf.Tensor4D>(tf.mul(slopes, weights[tap]!), 4);
        return tf.pad(sent, [
          [0, 0],
          [y, height - h - y],
          [x, width - w - x],
          [0, 0],
        ]);
      });
      return tf.slice(tf.addN(parts), [0, padInfo.top, padInfo.left, 0], [-1, inHeight, inWidth, -1]);
    },

    filter(dy, x, sizes) {
      const [n, h, w] = dy.shape;
      const [, , channels, multiplier] = sizes.filterShape;
      const slopes = tf.reshape(dy, [n * h * w, channels, multiplier]);
      const sums = shifted(x, sizes).map((image) =>
        tf.sum(tf.mul(tf.reshape(image, [n * h * w, channels, 1]), slopes), 0),
      );
      return tf.reshape(tf.stack(sums), sizes.filterShape);
    },
  });

/** Where each tap of a filter begins in the padded image, row by row. */
function offsets({ filterHeight, filterWidth, dilationHeight, dilationWidth }: tf.backend_util.Conv2DInfo) {
  return Array.from({ length: filterHeight * filterWidth }, (_, tap): [number, number] => [
    Math.floor(tap / filterWidth) * dilationHeight,
    (tap % filterWidth) * dilationWidth,
  ]);
}

/** The part of the padded images that each tap meets. */
function shifted(x: tf.Tensor4D, sizes: tf.backend_util.Conv2DInfo): tf.Tensor4D[] {
  const { top, bottom, left, right } = sizes.padInfo;
  const padded = tf.pad(x, [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ]);
  return offsets(sizes).map(([y, x]) => tf.slice(padded, [0, y, x, 0], [-1, sizes.outHeight, sizes.outWidth, -1]));
}

function paddedSize({ inHeight, inWidth, padInfo: { top, bottom, left, right } }: tf.backend_util.Conv2DInfo) {
  return [inHeight + top + bottom, inWidth + left + right] as const;
}
