import { MetricError, refuse } from '../errors.ts';
import { toFeaturePair, type FeatureMatrix, type Features } from '../linalg/feature-matrix.ts';
import { forEachProductBlock } from '../linalg/products.ts';

export interface PrecisionRecallOptions {
  /** Which neighbour's distance is the radius of an image's ball (default 3, as Kynkäänniemi et al.; Naeem et al. take 5). */
  readonly neighbors?: number;
}

/** Fidelity and diversity; all but density lie in [0, 1]. */
export interface PrecisionRecall {
  /** Share of generated images that lie in the ball of some real image. */
  readonly precision: number;
  /** Share of real images that lie in the ball of some generated image. */
  readonly recall: number;
  /** Harmonic mean of precision and recall. */
  readonly fScore: number;
  /** Real balls around a generated image, on average, over the number of neighbours. */
  readonly density: number;
  /** Share of real images whose ball holds a generated image. */
  readonly coverage: number;
}

/**
 * Improved precision and recall (Kynkäänniemi et al. 2019, equations 1 and 2) and density and coverage (Naeem et al. 2020,
 * equations 2 to 4). Mind the order: generated first, real second. Balls are closed for precision and recall, as in
 * torch-fidelity, and open for density and coverage, as in `prdc`; the difference shows only where distances are equal.
 *
 * @throws MetricError `METRIC_TOO_FEW`, `METRIC_SHAPE_MISMATCH`, `METRIC_NOT_FINITE`, `METRIC_BAD_ARGUMENT`
 */
export function precisionRecall(
  generated: Features,
  real: Features,
  options: PrecisionRecallOptions = {},
): PrecisionRecall {
  const { neighbors = 3 } = options;
  const pair = toFeaturePair(['generated', 'real'], generated, real);
  if (!Number.isSafeInteger(neighbors) || neighbors < 1) {
    refuse({ argument: 'neighbors', value: neighbors, allowed: 'an integer of 1 or more' });
  }
  for (const [name, { rows }] of Object.entries({ generated: pair[0], real: pair[1] })) {
    if (rows > neighbors) continue;
    throw new MetricError(
      'METRIC_TOO_FEW',
      `\`${name}\` has ${rows} images, but the neighbour number ${neighbors} needs at least ${neighbors + 1}.`,
    );
  }
  const [fake, truth] = centered(pair);
  const [fakeRadii, realRadii] = [squaredRadii(fake, neighbors), squaredRadii(truth, neighbors)];

  let density = 0;
  let inReal = 0;
  const inFake = new Uint8Array(truth.rows);
  const covered = new Uint8Array(truth.rows);
  forEachDistanceRow(fake, truth, (distances, row) => {
    let inAny = false;
    for (let j = 0; j < distances.length; j++) {
      const distance = distances[j]!;
      if (distance <= realRadii[j]!) inAny = true;
      if (distance <= fakeRadii[row]!) inFake[j] = 1;
      if (distance < realRadii[j]!) {
        density++;
        covered[j] = 1;
      }
    }
    if (inAny) inReal++;
  });
  const precision = inReal / fake.rows;
  const recall = shareOf(inFake);
  const fScore = precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall);
  return { precision, recall, fScore, density: density / (neighbors * fake.rows), coverage: shareOf(covered) };
}

/** Both sets less the mean of the second: distances stay, and lose fewer digits in |x|² - 2 x·y + |y|². */
function centered([a, b]: [FeatureMatrix, FeatureMatrix]): [FeatureMatrix, FeatureMatrix] {
  const { columns } = b;
  const mean = new Float64Array(columns);
  for (let i = 0; i < b.data.length; i++) mean[i % columns]! += b.data[i]! / b.rows;
  return [a, b].map((m) => ({
    ...m,
    data: Float64Array.from(m.data, (value, i) => value - mean[i % columns]!),
  })) as never;
}

/** Squared distance of every row to its k-th nearest other row. */
function squaredRadii(x: FeatureMatrix, k: number): Float64Array {
  const radii = new Float64Array(x.rows);
  forEachDistanceRow(x, x, (distances, row) => {
    distances[row] = Infinity;
    radii[row] = smallest(distances, k);
  });
  return radii;
}

/** Squared distances of each row of x to all rows of y. The norms are products of the same kernel, so equal rows have 0. */
function forEachDistanceRow(
  x: FeatureMatrix,
  y: FeatureMatrix,
  use: (distances: Float64Array, row: number) => void,
): void {
  const [xx, yy] = [ownProducts(x), ownProducts(y)];
  forEachProductBlock(x, y, (products, first, rows) => {
    for (let i = 0; i < rows; i++) {
      const line = products.subarray(i * y.rows, (i + 1) * y.rows);
      for (let j = 0; j < line.length; j++) line[j] = Math.max(xx[first + i]! + yy[j]! - 2 * line[j]!, 0);
      use(line, first + i);
    }
  });
}

/** x·x of each row, with the bits that the product kernel gives a pair of equal rows. */
function ownProducts({ data, rows, columns }: FeatureMatrix): Float64Array {
  const out = new Float64Array(rows);
  const atOnce = 32;
  for (let from = 0; from < rows; from += atOnce) {
    const part = {
      data: data.subarray(from * columns, (from + atOnce) * columns),
      rows: Math.min(atOnce, rows - from),
      columns,
    };
    forEachProductBlock(part, part, (products) => {
      for (let i = 0; i < part.rows; i++) out[from + i] = products[i * part.rows + i]!;
    });
  }
  return out;
}

/** The k-th smallest number. */
function smallest(values: Float64Array, k: number): number {
  const least = new Float64Array(k).fill(Infinity);
  for (const value of values) {
    if (value >= least[k - 1]!) continue;
    let at = k - 1;
    for (; at > 0 && least[at - 1]! > value; at--) least[at] = least[at - 1]!;
    least[at] = value;
  }
  return least[k - 1]!;
}

function shareOf(flags: Uint8Array): number {
  return flags.reduce((sum, flag) => sum + flag, 0) / flags.length;
}
