import { unknownName } from '@missing-u/errors';
import { MetricError, refuse } from '../errors.ts';
import type { FeatureMatrix } from '../linalg/feature-matrix.ts';
import { forEachProductBlock } from '../linalg/products.ts';

/** The kernel of a maximum mean discrepancy. */
export interface KernelOptions {
  /** `'polynomial'`: (gamma x·y + coef0)^degree, of KID (the default). `'rbf'`: exp(-|x - y|² / (2 sigma²)). */
  readonly kernel?: 'polynomial' | 'rbf';
  /** Default 3. */
  readonly degree?: number;
  /** Default 1 / number of features. */
  readonly gamma?: number;
  /** Default 1. */
  readonly coef0?: number;
  /** Width of the RBF kernel; required for it, because no value fits all features (CMMD takes 10). */
  readonly sigma?: number;
}

/** The kernel's values for all pairs of rows, row-major, x.rows x y.rows. */
export function kernelMatrix(x: FeatureMatrix, y: FeatureMatrix, options: KernelOptions): Float64Array {
  const { kernel = 'polynomial', degree = 3, gamma = 1 / x.columns, coef0 = 1, sigma } = options;
  if (kernel === 'polynomial') checkPolynomial(degree, gamma, coef0);
  const out = new Float64Array(x.rows * y.rows);
  switch (kernel) {
    case 'polynomial':
      forEachProductBlock(x, y, (products, first, rows) => {
        for (let i = 0; i < rows * y.rows; i++) out[first * y.rows + i] = (gamma * products[i]! + coef0) ** degree;
      });
      return out;
    case 'rbf': {
      if (sigma === undefined || !(sigma > 0 && sigma < Infinity))
        refuse({ argument: 'sigma', value: sigma, allowed: 'a finite number above 0' });
      const scale = -1 / (2 * sigma ** 2);
      const [xx, yy] = [squaredNorms(x), squaredNorms(y)];
      forEachProductBlock(x, y, (products, first, rows) => {
        for (let i = 0; i < rows; i++) {
          for (let j = 0; j < y.rows; j++) {
            const distance = Math.max(xx[first + i]! + yy[j]! - 2 * products[i * y.rows + j]!, 0);
            out[(first + i) * y.rows + j] = Math.exp(scale * distance);
          }
        }
      });
      return out;
    }
    default:
      throw new MetricError('METRIC_BAD_ARGUMENT', unknownName('kernel', kernel, ['polynomial', 'rbf']));
  }
}

function checkPolynomial(degree: number, gamma: number, coef0: number): void {
  // Another power of a negative number would be none.
  if (!Number.isSafeInteger(degree) || degree < 1)
    refuse({ argument: 'degree', value: degree, allowed: 'an integer of 1 or more' });
  for (const [argument, value] of Object.entries({ gamma, coef0 })) {
    if (!Number.isFinite(value)) refuse({ argument, value, allowed: 'a finite number' });
  }
}

/** |x|² of every row. */
export function squaredNorms({ data, rows, columns }: FeatureMatrix): Float64Array {
  const out = new Float64Array(rows);
  for (let i = 0; i < rows * columns; i++) out[Math.floor(i / columns)]! += data[i]! ** 2;
  return out;
}
