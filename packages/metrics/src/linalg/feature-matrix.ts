import type { Tensor2D } from '@tensorflow/tfjs-core';
import { MetricError, refuse } from '../errors.ts';

/** Features in float64, row-major: a row per image, a column per feature. */
export interface FeatureMatrix {
  readonly data: Float64Array | Float32Array;
  readonly rows: number;
  readonly columns: number;
}

/** What the functions on features take: a matrix, or a 2-D tensor [images, features]. */
export type Features = FeatureMatrix | Tensor2D;

/** Features as a matrix whose numbers are all finite; `minimum` rows at least. */
export function toFeatureMatrix(name: string, features: Features, minimum = 1): FeatureMatrix {
  if (typeof features !== 'object' || features === null)
    refuse({ argument: name, value: features, allowed: '{ data, rows, columns } or a 2-D tensor' });
  const matrix = isTensor(features) ? fromTensor(name, features) : features;
  const { data, rows, columns } = matrix;
  for (const [key, value] of Object.entries({ rows, columns })) {
    if (!Number.isSafeInteger(value) || value < 1)
      refuse({ argument: `${name}.${key}`, value, allowed: 'an integer of 1 or more' });
  }
  if (data?.length !== rows * columns) {
    throw new MetricError(
      'METRIC_SHAPE_MISMATCH',
      `\`${name}.data\` has ${data?.length} numbers, but ${rows} rows of ${columns} have ${rows * columns}.`,
    );
  }
  if (rows < minimum) {
    throw new MetricError(
      'METRIC_TOO_FEW',
      `\`${name}\` has ${rows} image${rows === 1 ? '' : 's'}, but at least ${minimum} are needed.`,
    );
  }
  const bad = data.findIndex((value) => !Number.isFinite(value));
  if (bad !== -1) {
    throw new MetricError(
      'METRIC_NOT_FINITE',
      `\`${name}\` has ${data[bad]} in row ${Math.floor(bad / columns)}, column ${bad % columns}.`,
    );
  }
  return matrix;
}

/** Two sets of features of one width. */
export function toFeaturePair(
  names: readonly [string, string],
  first: Features,
  second: Features,
  minimum = 1,
): [FeatureMatrix, FeatureMatrix] {
  const [a, b] = [toFeatureMatrix(names[0], first, minimum), toFeatureMatrix(names[1], second, minimum)];
  if (a.columns !== b.columns) {
    const widths = `\`${names[0]}\` has ${a.columns} features and \`${names[1]}\` ${b.columns}`;
    throw new MetricError('METRIC_SHAPE_MISMATCH', `${widths}; both have to come from the same extractor.`);
  }
  return [a, b];
}

/** The given rows, in their order. */
export function takeRows({ data, columns }: FeatureMatrix, index: ArrayLike<number>): FeatureMatrix {
  const out = new Float64Array(index.length * columns);
  for (let i = 0; i < index.length; i++)
    out.set(data.subarray(index[i]! * columns, (index[i]! + 1) * columns), i * columns);
  return { data: out, rows: index.length, columns };
}

function isTensor(features: Features): features is Tensor2D {
  return 'dataSync' in features;
}

function fromTensor(name: string, tensor: Tensor2D): FeatureMatrix {
  const { shape } = tensor;
  if (shape.length !== 2) refuse({ argument: name, value: tensor, allowed: 'a tensor of rank 2, [images, features]' });
  return { data: Float64Array.from(tensor.dataSync()), rows: shape[0], columns: shape[1] };
}
