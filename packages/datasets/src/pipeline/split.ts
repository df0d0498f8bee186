import { invalidArgument } from '@missing-u/errors';
import { DatasetError } from '../errors.ts';

/**
 * Sizes of the parts of a split. Fractions are rounded down, and what rounding left over goes to the first parts, one each,
 * as in torch's `random_split`.
 *
 * @throws DatasetError `DATASETS_BAD_SPLIT`
 */
export function partSizes(parts: readonly number[], length: number): number[] {
  const list = Array.isArray(parts);
  const sum = list ? parts.reduce((total, part) => total + part, 0) : NaN;
  const valid = list && parts.length > 0 && parts.every((part) => Number.isFinite(part) && part >= 0);
  if (valid && parts.every(Number.isInteger) && sum <= length && sum !== 1) return [...parts];
  if (valid && sum <= 1 + 1e-9) {
    const sizes = parts.map((part) => Math.floor(part * length + 1e-9));
    let left = Math.floor(sum * length + 1e-6) - sizes.reduce((total, size) => total + size, 0);
    for (let i = 0; left > 0; i = (i + 1) % sizes.length, left--) sizes[i]!++;
    return sizes;
  }
  throw new DatasetError(
    'DATASETS_BAD_SPLIT',
    invalidArgument({
      argument: 'parts',
      value: parts,
      allowed: `fractions with a sum of at most 1, or numbers of examples with a sum of at most ${length}`,
    }),
  );
}
