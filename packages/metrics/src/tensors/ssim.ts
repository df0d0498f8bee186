import * as tf from '@tensorflow/tfjs-core';
import { mirrored } from '../images/planes.ts';
import { resolveSsim, type SsimOptions, type SsimSetting } from '../images/ssim-options.ts';
import { checkWindow } from '../images/structural-similarity.ts';
import { windowIndices, type Thinning } from '../images/thinning.ts';
import { checkBatches, mapSeparably, meanOfChannels, toPlanes } from './batch.ts';

/**
 * Structural similarity of each pair of pictures, in float32 and differentiable: `structuralSimilarity` for batches.
 *
 * @param a pictures [images, height, width, channels], of any numbers that `dataRange` describes; as `b`.
 * @returns [images], 1 for equal pictures
 * @throws MetricError `METRIC_SHAPE_MISMATCH`, `METRIC_NOT_FINITE`, `METRIC_OUT_OF_RANGE`, `METRIC_TOO_SMALL`, `METRIC_BAD_ARGUMENT`
 */
export function ssim(a: tf.Tensor4D, b: tf.Tensor4D, options: SsimOptions): tf.Tensor1D {
  const setting = resolveSsim(options);
  checkBatches(a, b, options);
  const [images, height, width] = a.shape;
  const { factor, how } = setting.thinning({ width, height });
  const thinned = (side: number) => (how === 'cut' ? Math.floor(side / factor) : Math.ceil(side / factor));
  checkWindow({ width: thinned(width), height: thinned(height) }, setting);
  return tf.tidy(() => {
    const [x, y] = [a, b].map((batch) => {
      const planes = preparedPlanes(batch, options.dataRange, setting);
      return factor === 1 ? planes : thinOutPlanes(planes, factor, how);
    }) as [tf.Tensor4D, tf.Tensor4D];
    return meanOfChannels(tf.mean(similarityOfPlanes(x, y, options.dataRange, setting).map, [1, 2, 3]), images);
  });
}

/**
 * Planes [images * channels, height, width, 1] less half the data range: variances do not change, and lose fewer digits in
 * E[x²] - E[x]².
 */
export function preparedPlanes(batch: tf.Tensor4D, dataRange: number, { color }: SsimSetting): tf.Tensor4D {
  const [images, height, width, channels] = batch.shape;
  const pictures = tf.sub<tf.Tensor4D>(tf.cast(batch, 'float32'), dataRange / 2);
  if (color === 'channels' || channels < 3) return toPlanes(pictures);
  const colors = tf.slice(pictures, [0, 0, 0, 0], [images, height, width, 3]);
  return tf.sum<tf.Tensor4D>(tf.mul(colors, tf.tensor1d([0.299, 0.587, 0.114])), 3, true);
}

/** SSIM and its contrast term at each window; of planes as {@link preparedPlanes} gives them. */
export function similarityOfPlanes(
  x: tf.Tensor4D,
  y: tf.Tensor4D,
  dataRange: number,
  { rows, columns, covarianceFactor, c1, c2, border }: SsimSetting,
): { map: tf.Tensor4D; contrast: tf.Tensor4D } {
  const squares = tf.add<tf.Tensor4D>(tf.square(x), tf.square(y));
  const all = windowMeans(tf.concat<tf.Tensor4D>([x, y, squares, tf.mul(x, y)]), rows, columns, border);
  const [mx, my, meanSquares, meanProduct] = tf.split(all, 4) as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D, tf.Tensor4D];
  const covariance = tf.sub(meanProduct, tf.mul(mx, my));
  const variances = tf.sub(meanSquares, tf.add(tf.square(mx), tf.square(my)));
  const contrast = tf.div<tf.Tensor4D>(
    tf.add(tf.mul(covariance, 2 * covarianceFactor), c2),
    tf.add(tf.mul(variances, covarianceFactor), c2),
  );
  // The means themselves are those of the pictures as they were.
  const [ux, uy] = [tf.add(mx, dataRange / 2), tf.add(my, dataRange / 2)];
  const luminance = tf.div(tf.add(tf.mul(tf.mul(ux, uy), 2), c1), tf.add(tf.add(tf.square(ux), tf.square(uy)), c1));
  return { map: tf.mul(luminance, contrast), contrast };
}

/** `thinOut` for planes [n, height, width, 1], in which a zero of the picture is `zero`. */
export function thinOutPlanes(planes: tf.Tensor4D, size: number, thinning: Thinning, zero = 0): tf.Tensor4D {
  const [, height, width] = planes.shape;
  if (thinning === 'cut' || (height % 2 === 0 && width % 2 === 0 && size === 2)) {
    return tf.avgPool(planes, size, size, 'valid');
  }
  if (thinning === 'zeros') {
    const front = (side: number): [number, number] => [side % 2, 0];
    return tf.avgPool(tf.pad(planes, [[0, 0], front(height), front(width), [0, 0]], zero), size, size, 'valid');
  }
  const { across, down } = windowIndices({ width, height }, size, thinning);
  const weights = new Float64Array(size).fill(1 / size);
  return mapSeparably(planes, matrixOf(down, weights, height, size), matrixOf(across, weights, width, size));
}

function windowMeans(
  planes: tf.Tensor4D,
  rows: Float64Array,
  columns: Float64Array,
  border: 'crop' | 'reflect',
): tf.Tensor4D {
  const [, height, width] = planes.shape;
  if (border === 'crop') {
    const down = tf.conv2d(planes, tf.tensor4d(Float32Array.from(rows), [rows.length, 1, 1, 1]), 1, 'valid');
    return tf.conv2d(down, tf.tensor4d(Float32Array.from(columns), [1, columns.length, 1, 1]), 1, 'valid');
  }
  const matrix = (window: Float64Array, length: number) => {
    const line = mirrored(length, window.length >> 1, 'reflect');
    const index = Int32Array.from(
      { length: length * window.length },
      (_, i) => line[Math.floor(i / window.length) + (i % window.length)]!,
    );
    return matrixOf(index, window, length, window.length);
  };
  return mapSeparably(planes, matrix(rows, height), matrix(columns, width));
}

/** The matrix of a filter of a line: output i takes window[k] of input index[i * taps + k]. */
function matrixOf(index: Int32Array, window: Float64Array, length: number, taps: number): tf.Tensor2D {
  const outputs = index.length / taps;
  const matrix = new Float32Array(outputs * length);
  for (let i = 0; i < index.length; i++) matrix[Math.floor(i / taps) * length + index[i]!]! += window[i % taps]!;
  return tf.tensor2d(matrix, [outputs, length]);
}
