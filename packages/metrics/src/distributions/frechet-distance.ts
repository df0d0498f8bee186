import { MetricError, refuse } from '../errors.ts';
import type { Features } from '../linalg/feature-matrix.ts';
import { traceSqrtProduct, traceSqrtProductInWorker } from '../linalg/trace-sqrt-product.ts';
import { FeatureStatistics } from './feature-statistics.ts';
import type { Moments } from './moments.ts';

/**
 * Fréchet distance of two normal distributions (Dowson and Landau 1982), |mu1 - mu2|² + Tr (S1 + S2 - 2 (S1 S2)^(1/2)), in
 * float64 through the symmetric form: never complex, never below zero, defined below full rank. Equals pytorch-fid's
 * `calculate_frechet_distance` to 1e-10 at full rank.
 *
 * @param sigma1 covariance, row-major, as `sigma2`; only symmetric matrices are taken.
 * @throws MetricError `METRIC_SHAPE_MISMATCH`, `METRIC_NOT_FINITE`, `METRIC_NOT_COVARIANCE`
 */
export function frechetDistance(
  mu1: Float64Array,
  sigma1: Float64Array,
  mu2: Float64Array,
  sigma2: Float64Array,
): number {
  const n = checkMoments(mu1, sigma1, mu2, sigma2);
  return assemble(mu1, sigma1, mu2, sigma2, traceSqrtProduct(sigma1, sigma2, n));
}

/** {@link frechetDistance} in a worker, so that the event loop stays free. */
export async function frechetDistanceInWorker(
  mu1: Float64Array,
  sigma1: Float64Array,
  mu2: Float64Array,
  sigma2: Float64Array,
): Promise<number> {
  const n = checkMoments(mu1, sigma1, mu2, sigma2);
  return assemble(mu1, sigma1, mu2, sigma2, await traceSqrtProductInWorker(sigma1, sigma2, n));
}

/** {@link frechetDistance} of the means and the sample covariances (n - 1) of two sets of features. */
export function frechetDistanceOfFeatures(features1: Features, features2: Features): number {
  const [a, b] = [features1, features2].map(momentsOf) as [Moments, Moments];
  return frechetDistance(a.mu, a.sigma, b.mu, b.sigma);
}

/** Mean and covariance of features that are at hand as a whole. */
export function momentsOf(features: Features): Moments & { count: number } {
  return new FeatureStatistics().update(features).compute();
}

/** Shapes, finiteness, symmetry; returns the dimension. */
function checkMoments(mu1: Float64Array, sigma1: Float64Array, mu2: Float64Array, sigma2: Float64Array): number {
  for (const [argument, value] of Object.entries({ mu1, sigma1, mu2, sigma2 })) {
    if (!(value?.length > 0)) refuse({ argument, value, allowed: 'a Float64Array of 1 number or more' });
  }
  const n = mu1.length;
  if (mu2.length !== n) {
    throw new MetricError(
      'METRIC_SHAPE_MISMATCH',
      `\`mu1\` has ${n} features and \`mu2\` ${mu2.length}; both have to come from the same extractor.`,
    );
  }
  for (const [name, mu] of Object.entries({ mu1, mu2 })) {
    if (!mu.every(Number.isFinite))
      throw new MetricError('METRIC_NOT_FINITE', `\`${name}\` has numbers that are not finite.`);
  }
  for (const [name, sigma] of Object.entries({ sigma1, sigma2 })) checkCovariance(name, sigma, n);
  return n;
}

function checkCovariance(name: string, sigma: Float64Array, n: number): void {
  if (sigma.length !== n * n) {
    throw new MetricError(
      'METRIC_SHAPE_MISMATCH',
      `\`${name}\` has ${sigma.length} numbers, but a covariance of ${n} features has ${n * n}.`,
    );
  }
  let largest = 0;
  const deviations = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    if (sigma[i * n + i]! < 0)
      throw new MetricError(
        'METRIC_NOT_COVARIANCE',
        `\`${name}\` has the variance ${sigma[i * n + i]} of feature ${i}.`,
      );
    largest = Math.max(largest, sigma[i * n + i]!);
    deviations[i] = Math.sqrt(sigma[i * n + i]!);
  }
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      const [below, above] = [sigma[i * n + j]!, sigma[j * n + i]!];
      const bound = deviations[i]! * deviations[j]!;
      if (Math.abs(below) > 1.01 * bound + 1e-6 * largest && Number.isFinite(below)) {
        throw new MetricError(
          'METRIC_NOT_COVARIANCE',
          `\`${name}\` has the covariance ${below} of the features ${i} and ${j}, whose variances allow ${bound} at most.`,
        );
      }
      if (Math.abs(below - above) <= 1e-6 * largest) continue;
      if (!Number.isFinite(below - above))
        throw new MetricError('METRIC_NOT_FINITE', `\`${name}\` has numbers that are not finite.`);
      throw new MetricError(
        'METRIC_NOT_COVARIANCE',
        `\`${name}\` is not symmetric: [${i}, ${j}] is ${below} and [${j}, ${i}] is ${above}.`,
      );
    }
  }
}

function assemble(
  mu1: Float64Array,
  sigma1: Float64Array,
  mu2: Float64Array,
  sigma2: Float64Array,
  cross: number,
): number {
  if (cross < 0) {
    throw new MetricError(
      'METRIC_NOT_COVARIANCE',
      `\`sigma${-cross}\` has negative eigenvalues far beyond rounding, so it is no covariance, and there is no distance.`,
    );
  }
  if (Number.isNaN(cross))
    throw new MetricError('METRIC_NO_CONVERGENCE', 'The eigenvalues of the covariances did not converge.');
  const n = mu1.length;
  let distance = -2 * cross;
  for (let i = 0; i < n; i++) distance += (mu1[i]! - mu2[i]!) ** 2 + sigma1[i * n + i]! + sigma2[i * n + i]!;
  if (!Number.isFinite(distance))
    throw new MetricError('METRIC_NOT_FINITE', 'The distance is beyond the largest float64; scale the features down.');
  // Equal distributions leave rounding on either side of zero.
  return Math.max(distance, 0);
}
