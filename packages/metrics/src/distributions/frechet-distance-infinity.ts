import { createGenerator } from '@missing-u/random';
import { MetricError, refuse } from '../errors.ts';
import { takeRows, toFeatureMatrix, type Features } from '../linalg/feature-matrix.ts';
import { frechetDistance, momentsOf } from './frechet-distance.ts';
import type { Moments } from './moments.ts';
import type { Shuffler } from './numpy-random-state.ts';

export interface InfinityOptions {
  /** Sample sizes, evenly spaced up to all images (default 15). */
  readonly points?: number;
  /** The smallest of them (default a third of the images; the paper takes 5000 of 50,000). */
  readonly smallest?: number;
  /** Draws the samples (default a generator of seed 0). */
  readonly generator?: Shuffler;
}

/** The extrapolated distance, and the points behind it. */
export interface InfinityResult {
  /** Intercept of the line through the distances over 1 / size. */
  readonly distance: number;
  readonly slope: number;
  readonly sizes: readonly number[];
  readonly distances: readonly number[];
}

/**
 * Fréchet distance at infinitely many images (Chong and Forsyth 2020): the distance is biased upwards by about c / n, so
 * distances of random samples of growing size are extrapolated to 1 / n = 0.
 */
export function frechetDistanceInfinity(
  generated: Features,
  reference: Moments,
  options: InfinityOptions = {},
): InfinityResult {
  const matrix = toFeatureMatrix('generated', generated, 2);
  const { rows } = matrix;
  const { points = 15, smallest = Math.max(2, Math.floor(rows / 3)), generator = createGenerator(0) } = options;
  if (!Number.isSafeInteger(points) || points < 2)
    refuse({ argument: 'points', value: points, allowed: 'an integer of 2 or more' });
  if (!Number.isSafeInteger(smallest) || smallest < 2 || smallest >= rows) {
    throw new MetricError(
      'METRIC_TOO_FEW',
      `\`smallest\` is ${smallest}, but has to be an integer from 2 to below the ${rows} images given.`,
    );
  }
  const sizes = Array.from({ length: points }, (_, i) => Math.floor(smallest + ((rows - smallest) * i) / (points - 1)));
  const distances = sizes.map((size) => {
    const { mu, sigma } = momentsOf(takeRows(matrix, generator.permutation(rows).subarray(0, size)));
    return frechetDistance(mu, sigma, reference.mu, reference.sigma);
  });
  return {
    ...line(
      sizes.map((size) => 1 / size),
      distances,
    ),
    sizes,
    distances,
  };
}

/** Least squares: the value at zero and the slope. */
function line(x: readonly number[], y: readonly number[]): { distance: number; slope: number } {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [mx, my] = [mean(x), mean(y)];
  const slope = mean(x.map((value, i) => (value - mx) * (y[i]! - my))) / mean(x.map((value) => (value - mx) ** 2));
  return { distance: my - slope * mx, slope };
}
