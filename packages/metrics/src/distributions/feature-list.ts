import { MetricError } from '../errors.ts';
import { toFeatureMatrix, type FeatureMatrix, type Features } from '../linalg/feature-matrix.ts';

/** All features of a stream, for the metrics that need them one by one. */
export class FeatureList {
  readonly #parts: FeatureMatrix[] = [];

  /** Number of images seen. */
  get count(): number {
    return this.#parts.reduce((sum, part) => sum + part.rows, 0);
  }

  /** Adds rows of features. @throws MetricError `METRIC_SHAPE_MISMATCH`, `METRIC_NOT_FINITE` */
  update(features: Features): this {
    const part = toFeatureMatrix('features', features);
    const width = this.#parts[0]?.columns ?? part.columns;
    if (part.columns !== width) {
      throw new MetricError(
        'METRIC_SHAPE_MISMATCH',
        `\`features\` has ${part.columns} features, but those before had ${width}.`,
      );
    }
    this.#parts.push(part);
    return this;
  }

  /** Adds another list's features behind these. */
  merge(other: FeatureList): this {
    for (const part of [...other.#parts]) this.update(part);
    return this;
  }

  /** All features as one matrix. @throws MetricError `METRIC_TOO_FEW` without any */
  compute(): FeatureMatrix {
    const columns = this.#parts[0]?.columns;
    if (columns === undefined)
      throw new MetricError('METRIC_TOO_FEW', 'There are no features yet; call `update` first.');
    const data = new Float64Array(this.count * columns);
    let at = 0;
    for (const part of this.#parts) {
      data.set(part.data, at);
      at += part.data.length;
    }
    return { data, rows: this.count, columns };
  }

  /** Forgets all features. */
  reset(): void {
    this.#parts.length = 0;
  }
}
