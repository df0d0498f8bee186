import { refuse } from '../errors.ts';
import { checkPair, checkRange, type Image, type RangeOptions } from './image.ts';

/** Mean over all values of (a - b)². Equals scikit-image's `mean_squared_error`. */
export function meanSquaredError(a: Image, b: Image): number {
  checkPair(a, b);
  return meanSquare(a.data.length, (i) => a.data[i]! - b.data[i]!);
}

/**
 * Peak signal to noise ratio in decibels, 10 log10(dataRange² / MSE); Infinity for equal pictures. Equals scikit-image's
 * `peak_signal_noise_ratio` to rounding.
 *
 * @throws MetricError `METRIC_SHAPE_MISMATCH`, `METRIC_NOT_FINITE`, `METRIC_OUT_OF_RANGE`, `METRIC_BAD_ARGUMENT`
 */
export function peakSignalNoiseRatio(a: Image, b: Image, options: RangeOptions): number {
  const error = meanSquaredError(a, b);
  checkRange({ a, b }, options);
  return 10 * Math.log10(options.dataRange ** 2 / error);
}

/** What the root of the error is divided by: the reference's root mean square, its span, or its mean. */
export type Normalization = 'euclidean' | 'min-max' | 'mean';

/**
 * Root of the mean squared error over a size of `reference`. Equals scikit-image's `normalized_root_mse`, but for a reference
 * of size zero (black, or constant for `'min-max'`): 0 where there is no error, else Infinity.
 */
export function normalizedRootMse(reference: Image, image: Image, normalization: Normalization = 'euclidean'): number {
  const { data } = reference;
  const root = Math.sqrt(meanSquaredError(reference, image));
  const over = (size: number) => (root === 0 ? 0 : root / size);
  switch (normalization) {
    case 'euclidean':
      return over(Math.sqrt(meanSquare(data.length, (i) => data[i]!)));
    case 'min-max': {
      let low = Infinity;
      let high = -Infinity;
      for (let i = 0; i < data.length; i++) {
        low = Math.min(low, data[i]!);
        high = Math.max(high, data[i]!);
      }
      return over(high - low);
    }
    case 'mean': {
      let sum = 0;
      for (let i = 0; i < data.length; i++) sum += data[i]!;
      return over(sum / data.length);
    }
    default:
      return refuse({ argument: 'normalization', value: normalization, allowed: `'euclidean', 'min-max' or 'mean'` });
  }
}

function meanSquare(length: number, value: (index: number) => number): number {
  let sum = 0;
  for (let i = 0; i < length; i++) sum += value(i) ** 2;
  return sum / length;
}
