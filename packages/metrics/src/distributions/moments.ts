import { encodeNpz, loadNpz, saveNpz, type DownloadOptions, type Source, type StateDict } from '@missing-u/weights';
import { MetricError } from '../errors.ts';

/** Mean and covariance of features: what `.npz` files of FID statistics hold under the names `mu` and `sigma`. */
export interface Moments {
  readonly mu: Float64Array;
  /** Sample covariance (n - 1), row-major. */
  readonly sigma: Float64Array;
  /** How many images they come from, where known. */
  readonly count?: number;
}

/**
 * Reads statistics of pytorch-fid, clean-fid, TTUR and EDM: an `.npz` file with `mu` and `sigma`, from a path, an address
 * or bytes. @throws MetricError `METRIC_BAD_FILE`, WeightsError for a file that is no npz.
 */
export async function loadMoments(source: Source, options: DownloadOptions = {}): Promise<Moments> {
  const { mu, sigma, count } = await loadNpz(source, options);
  if (mu === undefined || sigma === undefined) {
    throw new MetricError(
      'METRIC_BAD_FILE',
      'The file has no arrays `mu` and `sigma`, so it holds no statistics of features.',
    );
  }
  const n = mu.data.length;
  if (sigma.data.length !== n * n) {
    throw new MetricError(
      'METRIC_BAD_FILE',
      `\`mu\` has ${n} numbers, but \`sigma\` has the shape [${sigma.shape.join(', ')}].`,
    );
  }
  const numbers = ({ data }: StateDict[string]) => Float64Array.from(data as ArrayLike<number>, Number);
  return { mu: numbers(mu), sigma: numbers(sigma), ...(count === undefined ? {} : { count: Number(count.data[0]) }) };
}

/** The bytes of an `.npz` file that pytorch-fid and clean-fid read; `count`, which they ignore, lets it be merged again. */
export function encodeMoments(moments: Moments): Promise<Uint8Array<ArrayBuffer>> {
  return encodeNpz(toStateDict(moments));
}

/** {@link encodeMoments} into a file (Node). */
export function saveMoments(moments: Moments, path: string): Promise<void> {
  return saveNpz(toStateDict(moments), path);
}

function toStateDict({ mu, sigma, count }: Moments): StateDict {
  const array = (data: Float64Array, shape: number[]) => ({
    dtype: 'float64' as const,
    shape,
    data: new Float64Array(data),
  });
  const n = mu.length;
  return {
    mu: array(mu, [n]),
    sigma: array(sigma, [n, n]),
    ...(count === undefined ? {} : { count: array(Float64Array.of(count), [1]) }),
  };
}
