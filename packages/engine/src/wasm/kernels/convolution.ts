import * as tf from '@tensorflow/tfjs-core';

/** A number for the height and one for the width. */
export type Pair = readonly [number, number];

/** Sizes of a batch of images [N, H, W, C], or of a filter [h, w, in, out]. */
export type Shape4D = [number, number, number, number];

/** Zeros before and after, of the height and of the width; a negative amount cuts away. */
export type Padding = readonly [Pair, Pair];

/** What the gradient kernels of a two-dimensional convolution are told besides their tensors. */
export interface ConvolutionAttributes {
  strides: Pair | number;
  pad: 'same' | 'valid' | number | tf.backend_util.ExplicitPadding;
  dataFormat?: 'NHWC' | 'NCHW';
  /** Null where tfjs-layers is told none. */
  dilations?: Pair | number | null;
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/** The sizes of a convolution over NHWC images, worked out by tfjs-core from the attributes. */
export function geometry(
  inputShape: Shape4D,
  filterShape: Shape4D,
  { strides, pad, dilations, dimRoundingMode }: ConvolutionAttributes,
  depthwise = false,
) {
  const info = tf.backend_util.computeConv2DInfo(
    inputShape,
    filterShape,
    strides as number,
    (dilations ?? 1) as number,
    pad,
    dimRoundingMode,
    depthwise,
  );
  const { top, bottom, left, right } = info.padInfo;
  return {
    strides: [info.strideHeight, info.strideWidth] as Pair,
    dilations: [info.dilationHeight, info.dilationWidth] as Pair,
    padding: [
      [top, bottom],
      [left, right],
    ] as Padding,
    out: [info.outHeight, info.outWidth] as Pair,
  };
}

interface ConvolveOptions {
  strides?: Pair;
  dilations?: Pair;
  padding: Padding;
}

/** Runs a convolution kernel itself, because the operation refuses strides and dilations together. */
export function convolve(
  kernel: 'Conv2D' | 'DepthwiseConv2dNative',
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  options: ConvolveOptions,
): tf.Tensor4D {
  const cut = mapPadding(options.padding, (amount) => Math.max(0, -amount));
  const [n, h, w, c] = x.shape;
  const size: Shape4D = [n, h - cut[0][0] - cut[0][1], w - cut[1][0] - cut[1][1], c];
  // XNNPACK refuses images without pixels, and leaves the result as it found it.
  if (size[1] <= 0 || size[2] <= 0) return ofPadding(kernel, x.shape, filter.shape, options);
  const input = size[1] === h && size[2] === w ? x : tf.slice(x, [0, cut[0][0], cut[1][0], 0], size);
  const zeros = mapPadding(options.padding, (amount) => Math.max(0, amount));
  const attributes = {
    strides: options.strides ?? [1, 1],
    dilations: options.dilations ?? [1, 1],
    pad: [[0, 0], ...zeros, [0, 0]],
    dataFormat: 'NHWC',
  };
  return tf.engine().runKernel(kernel, { x: input, filter }, attributes);
}

/** The convolution of padding alone, which is zeros. */
function ofPadding(
  kernel: 'Conv2D' | 'DepthwiseConv2dNative',
  [n, h, w, c]: Shape4D,
  filterShape: Shape4D,
  { strides = [1, 1], dilations = [1, 1], padding: [rows, columns] }: ConvolveOptions,
): tf.Tensor4D {
  const depthwise = kernel === 'DepthwiseConv2dNative';
  const padded: Shape4D = [n, h + rows[0] + rows[1], w + columns[0] + columns[1], c];
  const { out } = geometry(padded, filterShape, { strides, dilations, pad: 'valid' }, depthwise);
  return tf.zeros([n, ...out, depthwise ? c * filterShape[3] : filterShape[3]]);
}

/** A filter [h, w, a, b] turned by 180 degrees. */
export function turned(filter: tf.Tensor4D): tf.Tensor4D {
  const [h, w] = filter.shape;
  const backwards = (size: number) => Array.from({ length: size }, (_, i) => size - 1 - i);
  return rowsAndColumns(filter, backwards(h), backwards(w));
}

/**
 * The named rows and columns of a filter [h, w, a, b], in their order. Whole [a, b] blocks are cut out and joined, which this
 * engine does by copying memory; its gather and reverse kernels go number by number.
 */
export function rowsAndColumns(filter: tf.Tensor4D, rows: number[], columns: number[]): tf.Tensor4D {
  const [h, w, a, b] = filter.shape;
  const picked = rows.flatMap((row) => columns.map((column) => row * w + column));
  if (picked.length === h * w && picked.every((block, i) => block === i)) return filter;
  const blocks = tf.unstack(tf.reshape(filter, [h * w, a * b]));
  return tf.reshape(tf.concat(picked.map((block) => blocks[block]!)), [rows.length, columns.length, a, b]);
}

/** `size` elements of each axis from `begin` on, every `stride`-th; the slice kernel is the faster one where it can do it. */
export function take(x: tf.Tensor4D, begin: Shape4D, size: Shape4D, stride: Shape4D): tf.Tensor4D {
  if (stride.every((step) => step === 1)) return tf.slice(x, begin, size);
  const end = begin.map((from, axis) => Math.min(x.shape[axis]!, from + (size[axis]! - 1) * stride[axis]! + 1));
  return tf.stridedSlice(x, begin, end, stride) as tf.Tensor4D;
}

/** `x` with `stride - 1` rows of zeros between its rows, and the same for columns. */
export function spread(x: tf.Tensor4D, [strideY, strideX]: Pair): tf.Tensor4D {
  if (strideY === 1 && strideX === 1) return x;
  const [n, h, w, c] = x.shape;
  const padded = tf.pad(tf.reshape(x, [n, h, 1, w, 1, c]), [
    [0, 0],
    [0, 0],
    [0, strideY - 1],
    [0, 0],
    [0, strideX - 1],
    [0, 0],
  ]);
  const full = tf.reshape<tf.Rank.R4>(padded, [n, h * strideY, w * strideX, c]);
  return tf.slice(full, [0, 0, 0, 0], [n, (h - 1) * strideY + 1, (w - 1) * strideX + 1, c]);
}

function mapPadding(padding: Padding, map: (amount: number) => number): Padding {
  const [[top, bottom], [left, right]] = padding;
  return [
    [map(top), map(bottom)],
    [map(left), map(right)],
  ];
}
