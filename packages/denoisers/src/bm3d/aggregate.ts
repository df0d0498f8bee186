import type { Area } from './tiles.ts';
import type { Transform } from './transforms.ts';

/** Estimates of pixels as they come together: weighted sums, and the sums of the weights. */
export interface Aggregate {
  readonly sums: Float32Array;
  readonly weights: Float32Array;
}

/**
 * Collects the filtered patches of a tile. A patch comes back from many groups, and all of its estimates are inverted by
 * the same transform, so they are summed up as spectra, and each position is inverted once.
 */
export class SpectraSum {
  readonly #spectra: Float32Array;
  readonly #weights: Float64Array;
  readonly #area: Area;
  readonly #perPatch: number;

  constructor(area: Area, perPatch: number) {
    this.#spectra = new Float32Array(area.rows * area.columns * perPatch);
    this.#weights = new Float64Array(area.rows * area.columns);
    this.#area = area;
    this.#perPatch = perPatch;
  }

  /** Adds the patches of a group with a weight, each where it came from. */
  add(group: Float64Array, starts: Int32Array, weight: number): void {
    const perPatch = this.#perPatch;
    const spectra = this.#spectra;
    for (let i = 0, from = 0; from < group.length; i++) {
      let at = starts[i]!;
      this.#weights[at / perPatch]! += weight;
      for (const end = at + perPatch; at < end; at++) spectra[at]! += weight * group[from++]!;
    }
  }

  /** The pixels of all patches, each patch weighted by the window. */
  invert({ size, inverse }: Transform, window: Float64Array): Aggregate {
    const { rows, columns } = this.#area;
    const stride = columns + size - 1;
    const sums = new Float32Array(stride * (rows + size - 1));
    const weights = new Float32Array(sums.length);
    const half = new Float64Array(size * size);
    for (let position = 0; position < this.#weights.length; position++) {
      const weight = this.#weights[position]!;
      if (weight === 0) continue;
      multiply(this.#spectra, position * size * size, inverse, size, half);
      const corner = Math.floor(position / columns) * stride + (position % columns);
      for (let y = 0; y < size; y++) {
        for (let x = 0; x < size; x++) {
          let pixel = 0;
          for (let v = 0; v < size; v++) pixel += inverse[y * size + v]! * half[x * size + v]!;
          const share = window[y * size + x]!;
          sums[corner + y * stride + x]! += share * pixel;
          weights[corner + y * stride + x]! += share * weight;
        }
      }
    }
    return { sums, weights };
  }
}

/** half[x][v] = sum over u of spectrum[v][u] * inverse[x][u]: the inverse along rows, turned so that columns lie in one piece. */
function multiply(spectrum: Float32Array, from: number, inverse: Float64Array, size: number, half: Float64Array): void {
  for (let v = 0; v < size; v++) {
    for (let x = 0; x < size; x++) {
      let sum = 0;
      for (let u = 0; u < size; u++) sum += spectrum[from + v * size + u]! * inverse[x * size + u]!;
      half[x * size + v] = sum;
    }
  }
}
