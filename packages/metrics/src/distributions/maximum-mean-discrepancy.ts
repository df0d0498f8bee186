import { toFeaturePair, type Features } from '../linalg/feature-matrix.ts';
import { kernelMatrix, type KernelOptions } from './kernels.ts';

export interface MmdOptions extends KernelOptions {
  /** Leave out the pairs of an image with itself (true, the U-statistic) or keep them (false, as CMMD does). Default true. */
  readonly unbiased?: boolean;
}

/**
 * Squared maximum mean discrepancy of two sets of features (Gretton et al. 2012, equations 3 and 5): zero on average for
 * equal distributions, without assuming that they are normal.
 */
export function maximumMeanDiscrepancy(features1: Features, features2: Features, options: MmdOptions = {}): number {
  const { unbiased = true } = options;
  const [x, y] = toFeaturePair(['features1', 'features2'], features1, features2, unbiased ? 2 : 1);
  const whole = (rows: number) => Uint32Array.from({ length: rows }, (_, i) => i);
  const kernels = { xx: kernelMatrix(x, x, options), yy: kernelMatrix(y, y, options), xy: kernelMatrix(x, y, options) };
  return mmdOfKernels(kernels, whole(x.rows), whole(y.rows), [x.rows, y.rows], unbiased);
}

/**
 * CMMD (Jayasumana et al. 2024): 1000 times the biased squared MMD with an RBF kernel of sigma 10. Its authors feed CLIP
 * embeddings of length one; any features do, but numbers compare only between equal extractors.
 */
export function cmmd(features1: Features, features2: Features, { sigma = 10, scale = 1000 } = {}): number {
  return scale * maximumMeanDiscrepancy(features1, features2, { kernel: 'rbf', sigma, unbiased: false });
}

/** Kernel values of all pairs within and between two sets. */
export interface PairKernels {
  readonly xx: Float64Array;
  readonly yy: Float64Array;
  readonly xy: Float64Array;
}

/** The squared MMD of the rows `i` of the first and `j` of the second set. */
export function mmdOfKernels(
  { xx, yy, xy }: PairKernels,
  i: Uint32Array,
  j: Uint32Array,
  [m, n]: readonly [number, number],
  unbiased: boolean,
): number {
  const within = (kernel: Float64Array, index: Uint32Array, size: number): number => {
    let sum = 0;
    for (const a of index) for (const b of index) if (!unbiased || a !== b) sum += kernel[a * size + b]!;
    return sum / (index.length * (index.length - (unbiased ? 1 : 0)));
  };
  let between = 0;
  for (const a of i) for (const b of j) between += xy[a * n + b]!;
  return within(xx, i, m) + within(yy, j, n) - (2 * between) / (i.length * j.length);
}
