import type { Transform } from './transforms.ts';

/**
 * How strong white noise is in each coefficient of a group's spectrum. Patches that overlap share the noise of their common
 * pixels, so their sums hold more of it than those of patches apart, and their differences less: where a picture is smooth most
 * of a group's patches are neighbours of each other. The exact variances are those of Y. Mäkinen, L. Azzari, A. Foi,
 * "Collaborative filtering of correlated noise: exact transform-domain variance for improved shrinkage and patch matching", IEEE
 * Transactions on Image Processing 29, 2020, section III, for noise that is itself white.
 *
 * The covariance of one coefficient of two patches depends on the shift between them alone, so there is a table of it. Haar's
 * tree adds and subtracts the two halves of a node: with W the sum of the covariances of pairs within either half, C that of
 * pairs across, and n patches in each half, the difference has the variance 1 + (W - C) / n. The sum of all N patches has
 * 1 + 2 W / N.
 */
export class GroupNoise {
  readonly #size: number;
  /** [shift down][shift right][coefficient]: up and left are the same. */
  readonly #covariances: Float64Array;
  /** Pairs of a node that are apart by each shift, and the shifts that there are. */
  readonly #pairs: Int32Array;
  readonly #shifts: Int32Array;
  /** Of the node that begins at each patch: the sums over pairs within it. */
  readonly #within: Float64Array;
  readonly #variances: Float64Array;
  readonly #rows: Int32Array;
  readonly #columns: Int32Array;

  constructor(transform: Transform, groupSize: number) {
    const perPatch = transform.size ** 2;
    this.#size = transform.size;
    this.#covariances = covariances(transform);
    this.#pairs = new Int32Array(perPatch);
    this.#shifts = new Int32Array(perPatch);
    this.#within = new Float64Array(groupSize * perPatch);
    this.#variances = new Float64Array(groupSize * perPatch);
    this.#rows = new Int32Array(groupSize);
    this.#columns = new Int32Array(groupSize);
  }

  /**
   * The variances, in the order of the group's spectrum after `haar`, for noise of variance 1; valid until the next call.
   *
   * @param patches positions of the group's patches in an area that is `columns` wide, from `first` on
   */
  variances(patches: Int32Array, first: number, count: number, columns: number): Float64Array {
    const perPatch = this.#size ** 2;
    const variances = this.#variances;
    const within = this.#within;
    for (let i = 0; i < count; i++) {
      const patch = patches[first + i]!;
      this.#rows[i] = Math.floor(patch / columns);
      this.#columns[i] = patch % columns;
    }
    within.fill(0, 0, count * perPatch);
    for (let half = 1; half < count; half *= 2) {
      for (let start = 0; start < count; start += 2 * half) {
        this.#addPairsAcross(start, half);
        const across = (start + half) * perPatch;
        for (let i = start * perPatch, j = across; j < across + perPatch; i++, j++) {
          const [both, pairs] = [within[i]! + within[j]!, variances[j]!];
          // A difference of patches that nearly coincide has next to no noise, which must not become less by rounding.
          variances[j] = Math.max(1 + (both - pairs) / half, LEAST);
          within[i] = both + pairs;
        }
      }
    }
    for (let i = 0; i < perPatch; i++) variances[i] = 1 + (2 * within[i]!) / count;
    return variances;
  }

  /** Sums the covariances of each patch of a node's left half with each of its right half, in place of the difference's variances. */
  #addPairsAcross(start: number, half: number): void {
    const size = this.#size;
    const perPatch = size * size;
    const [rows, columns] = [this.#rows, this.#columns];
    const [pairs, shifts] = [this.#pairs, this.#shifts];
    const middle = start + half;
    let kinds = 0;
    for (let a = start; a < middle; a++) {
      const [row, column] = [rows[a]!, columns[a]!];
      for (let b = middle; b < middle + half; b++) {
        const down = Math.abs(rows[b]! - row);
        const right = Math.abs(columns[b]! - column);
        if (down >= size || right >= size) continue;
        const shift = down * size + right;
        if (pairs[shift]!++ === 0) shifts[kinds++] = shift;
      }
    }
    const table = this.#covariances;
    const variances = this.#variances;
    const to = middle * perPatch;
    variances.fill(0, to, to + perPatch);
    for (let kind = 0; kind < kinds; kind++) {
      const shift = shifts[kind]!;
      const count = pairs[shift]!;
      pairs[shift] = 0;
      let from = shift * perPatch;
      for (let i = to; i < to + perPatch; i++, from++) variances[i]! += count * table[from]!;
    }
  }
}

const LEAST = 1e-6;

/** The covariance of each coefficient with itself in a shifted patch: that of rows times that of columns. */
function covariances({ size, forward }: Transform): Float64Array {
  const line = Float64Array.from({ length: size * size }, (_, i) => {
    const [shift, row] = [Math.floor(i / size), (i % size) * size];
    let sum = 0;
    for (let x = 0; x < size - shift; x++) sum += forward[row + x]! * forward[row + x + shift]!;
    return sum;
  });
  return Float64Array.from({ length: size ** 4 }, (_, i) => {
    const [shift, coefficient] = [Math.floor(i / size ** 2), i % size ** 2];
    const [down, right] = [Math.floor(shift / size), shift % size];
    return line[down * size + Math.floor(coefficient / size)]! * line[right * size + (coefficient % size)]!;
  });
}
