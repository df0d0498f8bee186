import { MetricError, refuse } from '../errors.ts';
import { fromBase64, toBase64 } from '../files/base64.ts';
import { toFeatureMatrix, type Features } from '../linalg/feature-matrix.ts';
import { createKernel, type Kernel } from '../linalg/kernel.ts';
import type { Moments } from './moments.ts';

/** Rows that are collected before they are added in one product; one more for the step from mean to mean. */
const bufferRows = 64;

/** {@link FeatureStatistics} as JSON: exact numbers, little-endian float64 in base64. */
export interface FeatureStatisticsJson {
  readonly format: 'feature-statistics';
  readonly version: 1;
  readonly count: number;
  readonly dimension: number;
  readonly mean: string;
  /** Lower triangle of the scatter, row by row. */
  readonly scatter: string;
}

/**
 * Mean and covariance of a stream of features in float64, in memory that does not grow with the number of images. Batches
 * enter by Chan, Golub and LeVeque's pairwise update (1983), so that order, batch size and shards change nothing beyond rounding;
 * `merge` adds what another instance has seen, for shards computed anywhere.
 */
export class FeatureStatistics {
  #dimension: number | undefined;
  #count = 0;
  #buffered = 0;
  #mean = new Float64Array(0);
  #kernel: Kernel<'scatter' | 'rows'> | undefined;

  /** @param dimension number of features; taken from the first update where it is absent. */
  constructor(dimension?: number) {
    if (dimension !== undefined) this.#start(dimension);
  }

  /** Number of images seen. */
  get count(): number {
    return this.#count + this.#buffered;
  }

  /** Number of features, once known. */
  get dimension(): number | undefined {
    return this.#dimension;
  }

  /** Adds rows of features. @throws MetricError `METRIC_SHAPE_MISMATCH`, `METRIC_NOT_FINITE` */
  update(features: Features): this {
    const { data, rows, columns } = toFeatureMatrix('features', features);
    const kernel = this.#expect(columns);
    for (let row = 0; row < rows; row++) {
      kernel.blocks.rows.data.set(data.subarray(row * columns, (row + 1) * columns), this.#buffered * columns);
      if (++this.#buffered === bufferRows) this.#flush();
    }
    return this;
  }

  /** Adds what another instance has seen, which stays as it is. */
  merge(other: FeatureStatistics): this {
    if (other.#dimension === undefined || other.#kernel === undefined) return this;
    if (other === this) return this.merge(FeatureStatistics.fromJSON(this.toJSON()));
    const kernel = this.#expect(other.#dimension);
    this.#flush();
    other.#flush();
    if (other.#count === 0) return this;
    const scatter = kernel.blocks.scatter.data;
    const otherScatter = other.#kernel.blocks.scatter.data;
    for (let i = 0; i < scatter.length; i++) scatter[i]! += otherScatter[i]!;
    this.#moveMean(kernel, other.#mean, other.#count, 0);
    return this;
  }

  /** Mean and sample covariance. @throws MetricError `METRIC_TOO_FEW` below two images. */
  compute(): Moments & { count: number } {
    if (this.count < 2) {
      throw new MetricError('METRIC_TOO_FEW', `A covariance needs at least 2 images, but ${this.count} came.`);
    }
    this.#flush();
    const n = this.#dimension!;
    const scatter = this.#kernel!.blocks.scatter.data;
    const sigma = new Float64Array(n * n);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j <= i; j++) sigma[i * n + j] = sigma[j * n + i] = scatter[i * n + j]! / (this.#count - 1);
    }
    return { mu: this.#mean.slice(), sigma, count: this.#count };
  }

  /** Forgets all images; the number of features stays. */
  reset(): void {
    this.#count = this.#buffered = 0;
    this.#mean.fill(0);
    this.#kernel?.blocks.scatter.data.fill(0);
  }

  /** State as JSON; `fromJSON` continues from it bit by bit. */
  toJSON(): FeatureStatisticsJson {
    this.#flush();
    const n = this.#dimension ?? 0;
    const packed = new Float64Array((n * (n + 1)) / 2);
    for (let i = 0, at = 0; i < n; at += ++i)
      packed.set(this.#kernel!.blocks.scatter.data.subarray(i * n, i * n + i + 1), at);
    const [mean, scatter] = [toBase64(this.#mean), toBase64(packed)];
    return { format: 'feature-statistics', version: 1, count: this.#count, dimension: n, mean, scatter };
  }

  /** @throws MetricError `METRIC_BAD_FILE` */
  static fromJSON(json: FeatureStatisticsJson): FeatureStatistics {
    const { format, version, count, dimension: n } = json ?? {};
    const whole = [count, n].every((value) => Number.isSafeInteger(value) && value >= 0);
    if (format !== 'feature-statistics' || version !== 1 || !whole) {
      throw new MetricError('METRIC_BAD_FILE', 'This is not the JSON of `FeatureStatistics`, version 1.');
    }
    if (n === 0) return new FeatureStatistics();
    const [mean, packed] = [numbersOf('mean', json.mean), numbersOf('scatter', json.scatter)];
    if (mean.length !== n || packed.length !== (n * (n + 1)) / 2) {
      throw new MetricError(
        'METRIC_BAD_FILE',
        `The JSON says ${n} features, but holds ${mean.length} means and ${packed.length} products.`,
      );
    }
    const statistics = new FeatureStatistics(n);
    statistics.#count = count;
    statistics.#mean = mean;
    const scatter = statistics.#kernel!.blocks.scatter.data;
    for (let i = 0, at = 0; i < n; at += ++i) scatter.set(packed.subarray(at, at + i + 1), i * n);
    return statistics;
  }

  /**
   * From a mean and covariance whose number of images is known.
   *
   * @throws MetricError `METRIC_BAD_ARGUMENT`, `METRIC_SHAPE_MISMATCH`, `METRIC_NOT_FINITE`
   */
  static fromMoments({ mu, sigma, count }: Moments): FeatureStatistics {
    if (count === undefined || !Number.isSafeInteger(count) || count < 2) {
      const remedy = 'a covariance without its number of images cannot be merged; a Fréchet distance needs no count';
      return refuse({ argument: 'count', value: count, allowed: 'an integer of 2 or more', remedy });
    }
    const n = mu.length;
    if (sigma.length !== n * n) {
      throw new MetricError(
        'METRIC_SHAPE_MISMATCH',
        `\`sigma\` has ${sigma.length} numbers, but a covariance of ${n} features has ${n * n}.`,
      );
    }
    if (![mu, sigma].every((numbers) => numbers.every(Number.isFinite)))
      throw new MetricError('METRIC_NOT_FINITE', '`mu` or `sigma` has numbers that are not finite.');
    const statistics = new FeatureStatistics(n);
    statistics.#count = count;
    statistics.#mean = mu.slice();
    statistics.#kernel!.blocks.scatter.data.set(sigma.map((value) => value * (count - 1)));
    return statistics;
  }

  #start(dimension: number): Kernel<'scatter' | 'rows'> {
    if (!Number.isSafeInteger(dimension) || dimension < 1) {
      refuse({ argument: 'dimension', value: dimension, allowed: 'an integer of 1 or more' });
    }
    this.#dimension = dimension;
    this.#mean = new Float64Array(dimension);
    this.#kernel = createKernel({ scatter: dimension ** 2, rows: (bufferRows + 1) * dimension });
    return this.#kernel;
  }

  #expect(columns: number): Kernel<'scatter' | 'rows'> {
    if (this.#kernel === undefined) return this.#start(columns);
    if (columns === this.#dimension) return this.#kernel;
    throw new MetricError(
      'METRIC_SHAPE_MISMATCH',
      `\`features\` has ${columns} features, but these statistics have ${this.#dimension}; both have to come from the same extractor.`,
    );
  }

  /** The buffered rows enter mean and scatter. */
  #flush(): void {
    const kernel = this.#kernel;
    const rows = this.#buffered;
    if (kernel === undefined || rows === 0) return;
    const data = kernel.blocks.rows.data;
    const n = this.#dimension!;
    const mean = new Float64Array(n);
    for (let row = 0; row < rows; row++) for (let j = 0; j < n; j++) mean[j]! += data[row * n + j]! / rows;
    for (let row = 0; row < rows; row++) for (let j = 0; j < n; j++) data[row * n + j]! -= mean[j]!;
    this.#buffered = 0;
    this.#moveMean(kernel, mean, rows, rows);
  }

  /**
   * To the common mean of what was there and `count` more images around `mean`: their deviations stand in the first `rows`
   * rows of the buffer, the step between the means enters the scatter as one row more.
   */
  #moveMean({ exports, blocks }: Kernel<'scatter' | 'rows'>, mean: Float64Array, count: number, rows: number): void {
    const n = this.#dimension!;
    const total = this.#count + count;
    const weight = Math.sqrt((this.#count / total) * count);
    const step = blocks.rows.data.subarray(rows * n, (rows + 1) * n);
    for (let j = 0; j < n; j++) {
      const distance = mean[j]! - this.#mean[j]!;
      step[j] = weight * distance;
      this.#mean[j]! += (distance * count) / total;
    }
    this.#count = total;
    const { pointer } = blocks.rows;
    exports.gemm(n, n, rows + 1, 1, pointer, 1, n, pointer, n, 1, blocks.scatter.pointer, n, 1);
  }
}

function numbersOf(name: string, text: unknown): Float64Array<ArrayBuffer> {
  try {
    if (typeof text === 'string') return fromBase64(text);
  } catch {
    // No base64: refused below as what is no text at all.
  }
  throw new MetricError('METRIC_BAD_FILE', `\`${name}\` in the JSON is not a text of base64.`);
}
