import { refuse } from '../errors.ts';
import { takeRows, toFeaturePair, type FeatureMatrix, type Features } from '../linalg/feature-matrix.ts';
import { kernelMatrix, type KernelOptions } from './kernels.ts';
import { mmdOfKernels, type PairKernels } from './maximum-mean-discrepancy.ts';
import { numpyRandomState, type Shuffler } from './numpy-random-state.ts';

/** Settings of KID; defaults as in torch-fidelity. */
export interface KidOptions extends KernelOptions {
  /** How many random subsets are compared (default 100). */
  readonly subsets?: number;
  /** Images of each set in a subset (default 1000; all where a set has fewer). */
  readonly subsetSize?: number;
  /**
   * Draws the subsets, those of the first set first (default NumPy's of seed 2020, torch-fidelity's draw; `torchGenerator(seed)`
   * draws torchmetrics' after `torch.manual_seed(seed)`).
   */
  readonly generator?: Shuffler;
}

/** Mean and population standard deviation over subsets or splits. */
export interface MeanAndStd {
  readonly mean: number;
  readonly std: number;
}

/** Up to so many images in both sets together, the kernel of all pairs is computed once and subsets are read from it. */
const pooledLimit = 6000;

/**
 * Kernel inception distance (Bińkowski et al. 2018): the unbiased squared MMD of random subsets, with the cubic polynomial
 * kernel. With its defaults it draws torch-fidelity's subsets and equals its `kernel_inception_distance`.
 *
 * @throws MetricError `METRIC_TOO_FEW` below two images, `METRIC_SHAPE_MISMATCH`, `METRIC_NOT_FINITE`, `METRIC_BAD_ARGUMENT`
 */
export function kernelInceptionDistance(
  features1: Features,
  features2: Features,
  options: KidOptions = {},
): MeanAndStd {
  const { subsets = 100, subsetSize = 1000, generator = numpyRandomState(2020) } = options;
  const [x, y] = toFeaturePair(['features1', 'features2'], features1, features2, 2);
  for (const [argument, value, least] of [
    ['subsets', subsets, 1],
    ['subsetSize', subsetSize, 2],
  ] as const) {
    if (!Number.isSafeInteger(value) || value < least)
      refuse({ argument, value, allowed: `an integer of ${least} or more` });
  }
  const size = Math.min(subsetSize, x.rows, y.rows);
  const pooled = x.rows + y.rows <= pooledLimit ? kernelsOf(x, y, options) : undefined;
  const draw = (rows: number) => generator.permutation(rows).subarray(0, size);
  // Subsets that hold everything are all the same.
  const distinct = size === x.rows && size === y.rows ? 1 : subsets;
  const values = Array.from({ length: distinct }, () => {
    const [i, j] = [draw(x.rows), draw(y.rows)];
    if (pooled !== undefined) return mmdOfKernels(pooled, i, j, [x.rows, y.rows], true);
    const whole = Uint32Array.from({ length: size }, (_, index) => index);
    return mmdOfKernels(kernelsOf(takeRows(x, i), takeRows(y, j), options), whole, whole, [size, size], true);
  });
  return meanAndStd(values);
}

/** Mean and population standard deviation. */
export function meanAndStd(values: readonly number[]): MeanAndStd {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, std: Math.sqrt(variance) };
}

function kernelsOf(x: FeatureMatrix, y: FeatureMatrix, options: KernelOptions): PairKernels {
  return { xx: kernelMatrix(x, x, options), yy: kernelMatrix(y, y, options), xy: kernelMatrix(x, y, options) };
}
