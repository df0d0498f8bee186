import { unknownName } from '@missing-u/errors';
import { MetricError, refuse } from '../errors.ts';
import { takeRows, toFeatureMatrix, type Features } from '../linalg/feature-matrix.ts';
import { meanAndStd, type MeanAndStd } from './kernel-inception-distance.ts';
import type { Shuffler } from './numpy-random-state.ts';

export interface InceptionScoreOptions {
  /** Into how many parts the images are cut (default 10); fewer than the images. */
  readonly splits?: number;
  /** Whether the rows are logits (the default) or already probabilities. */
  readonly input?: 'logits' | 'probabilities';
  /**
   * Shuffles the images first; `numpyRandomState(2020)` as torch-fidelity does. Without it the order counts, and images sorted
   * by class score low.
   */
  readonly generator?: Shuffler;
}

/**
 * Inception score (Salimans et al. 2016): exp of the mean Kullback-Leibler divergence of the class probabilities from their
 * mean, per split. Equals torch-fidelity's `inception_score` for equal order (its `logits_unbiased`, ten splits).
 *
 * @param logits a row per image, a column per class.
 * @throws MetricError `METRIC_TOO_FEW`, `METRIC_NOT_FINITE`, `METRIC_BAD_ARGUMENT`
 */
export function inceptionScore(logits: Features, options: InceptionScoreOptions = {}): MeanAndStd {
  const { splits = 10, input = 'logits', generator } = options;
  let matrix = toFeatureMatrix('logits', logits);
  if (input !== 'logits' && input !== 'probabilities')
    throw new MetricError('METRIC_BAD_ARGUMENT', unknownName('input', input, ['logits', 'probabilities']));
  if (!Number.isSafeInteger(splits) || splits < 1)
    refuse({ argument: 'splits', value: splits, allowed: 'an integer of 1 or more' });
  if (matrix.rows < splits) {
    throw new MetricError(
      'METRIC_TOO_FEW',
      `${matrix.rows} images cannot be cut into ${splits} splits; give more images or fewer \`splits\`.`,
    );
  }
  if (generator !== undefined) matrix = takeRows(matrix, generator.permutation(matrix.rows));
  const { rows, columns } = matrix;
  const probabilities = Float64Array.from(matrix.data);
  for (let row = 0; row < rows; row++) {
    const values = probabilities.subarray(row * columns, (row + 1) * columns);
    if (input === 'logits') softmax(values);
    else checkProbabilities(values, row);
  }
  return meanAndStd(
    Array.from({ length: splits }, (_, split) => {
      const [from, to] = [split, split + 1].map((edge) => Math.floor((edge * rows) / splits)) as [number, number];
      return scoreOf(probabilities.subarray(from * columns, to * columns), columns);
    }),
  );
}

/** What rounding, in half precision too, may take from a sum of one. */
const slack = 1e-3;

function checkProbabilities(values: Float64Array, row: number): void {
  const sum = values.reduce((total, value) => total + value, 0);
  if (values.every((value) => value >= 0) && Math.abs(sum - 1) <= slack) return;
  const remedy = "pass what the classifier gives as it is with `input: 'logits'`";
  refuse({ argument: `logits[${row}]`, value: values, allowed: 'probabilities: 0 or more with the sum 1', remedy });
}

/** exp(mean KL(p(y|x) || p(y))). */
function scoreOf(probabilities: Float64Array, columns: number): number {
  const rows = probabilities.length / columns;
  const marginal = new Float64Array(columns);
  let divergence = 0;
  for (let i = 0; i < probabilities.length; i++) {
    const p = probabilities[i]!;
    marginal[i % columns]! += p / rows;
    if (p > 0) divergence += p * Math.log(p);
  }
  for (const p of marginal) if (p > 0) divergence -= rows * p * Math.log(p);
  return Math.exp(divergence / rows);
}

function softmax(values: Float64Array): void {
  const largest = values.reduce((a, b) => Math.max(a, b));
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] = Math.exp(values[i]! - largest);
  for (let i = 0; i < values.length; i++) values[i]! /= sum;
}
