import type { Area } from './tiles.ts';
import type { Transform } from './transforms.ts';

/**
 * The two-dimensional transforms of all patches of an area, `size * size` coefficients each, row by row. Patches below each
 * other share the transforms of their rows, which are made once.
 */
export function spectraOf(plane: Float32Array, { rows, columns }: Area, { size, forward }: Transform): Float32Array {
  const width = columns + size - 1;
  const coefficients = new Float32Array(rows * columns * size * size);
  // The row transforms of the last `size` rows of pixels, in a ring; what is missing to a multiple of four stays zero.
  const lines = Array.from({ length: Math.ceil(size / 4) * 4 }, () => new Float64Array(columns * size));
  const factors = new Float64Array(lines.length);
  for (let y = 0; y < rows + size - 1; y++) {
    transformRow(plane, y * width, columns, forward, size, lines[y % size]!);
    const patchRow = y - size + 1;
    if (patchRow < 0) continue;
    for (let v = 0; v < size; v++) {
      for (let i = 0; i < size; i++) factors[(patchRow + i) % size] = forward[v * size + i]!;
      const out = patchRow * columns * size * size + v * size;
      for (let i = 0; i < size; i += 4) addLines(lines, factors, i, coefficients, out, size);
    }
  }
  return coefficients;
}

/** Adds four lines, each times its factor, to row `v` of the patches' spectra. */
function addLines(
  lines: readonly Float64Array[],
  factors: Float64Array,
  first: number,
  coefficients: Float32Array,
  out: number,
  size: number,
): void {
  const [a, b, c, d] = [lines[first]!, lines[first + 1]!, lines[first + 2]!, lines[first + 3]!];
  const [fa, fb, fc, fd] = [factors[first]!, factors[first + 1]!, factors[first + 2]!, factors[first + 3]!];
  const skip = size * size - size;
  for (let at = 0, to = out; at < a.length; to += skip) {
    for (const end = at + size; at < end; at++, to++) {
      coefficients[to]! += fa * a[at]! + fb * b[at]! + fc * c[at]! + fd * d[at]!;
    }
  }
}

/** The transforms of the `size` pixels from each of `count` successive positions on. */
function transformRow(
  plane: Float32Array,
  start: number,
  count: number,
  forward: Float64Array,
  size: number,
  out: Float64Array,
): void {
  for (let u = 0; u < size; u++) {
    for (let x = 0, to = u; x < count; x++, to += size) {
      let sum = 0;
      for (let j = 0; j < size; j++) sum += forward[u * size + j]! * plane[start + x + j]!;
      out[to] = sum;
    }
  }
}
