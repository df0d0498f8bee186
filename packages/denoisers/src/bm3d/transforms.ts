/** Separable transforms of a patch. */
export type TransformName = 'dct' | 'bior1.5' | 'haar' | 'hadamard';

/** A one-dimensional transform and its inverse as square matrices, row by row. */
export interface Transform {
  readonly size: number;
  readonly forward: Float64Array;
  readonly inverse: Float64Array;
}

/** The transform of a length; all but the DCT need a power of two. */
export function transformOf(name: TransformName, size: number): Transform {
  const rows = name === 'dct' ? dct(size) : name === 'hadamard' ? hadamard(size) : wavelet(name, size);
  // Each row is brought to length one, so that white noise has the same strength in every coefficient.
  for (const row of rows) {
    const length = Math.hypot(...row);
    row.forEach((value, i) => (row[i] = value / length));
  }
  return { size, forward: Float64Array.from(rows.flat()), inverse: Float64Array.from(invert(rows).flat()) };
}

export function isPowerOfTwo(size: number): boolean {
  return size > 0 && Number.isInteger(Math.log2(size));
}

/** DCT-II. */
function dct(size: number): number[][] {
  return square(size, (k, n) => Math.cos((Math.PI * k * (n + 0.5)) / size));
}

/** Walsh-Hadamard, by Sylvester's construction. */
function hadamard(size: number): number[][] {
  return square(size, (k, n) => {
    let parity = 0;
    for (let bits = k & n; bits > 0; bits >>= 1) parity ^= bits & 1;
    return parity === 0 ? 1 : -1;
  });
}

/** Analysis low-pass filters around the middle of a pair; the high-pass of both wavelets is Haar's difference. */
const lowPass = {
  haar: [1, 1],
  // A. Cohen, I. Daubechies, J.-C. Feauveau, Communications on Pure and Applied Mathematics 45, 1992, table 6.1 (N = 1, N~ = 5)
  'bior1.5': [3, -3, -22, 22, 128, 128, 22, -22, -3, 3],
} as const;

/** All levels of a wavelet decomposition of a periodic signal: the coarsest average first, then details from coarse to fine. */
function wavelet(name: keyof typeof lowPass, size: number): number[][] {
  let averages = square(size, (i, j) => (i === j ? 1 : 0));
  let details: number[][] = [];
  for (let length = size; length > 1; length /= 2) {
    const taps = lowPass[name];
    const at = (i: number) => averages[((i % length) + length) % length]!;
    const low = Array.from({ length: length / 2 }, (_, k) =>
      combine(taps.map((tap, t) => [tap, at(2 * k + 1 - taps.length / 2 + t)])),
    );
    const high = Array.from({ length: length / 2 }, (_, k) =>
      combine([
        [1, at(2 * k)],
        [-1, at(2 * k + 1)],
      ]),
    );
    averages = low;
    details = [...high, ...details];
  }
  return [...averages, ...details];
}

function combine(terms: readonly (readonly [factor: number, row: readonly number[]])[]): number[] {
  return terms[0]![1].map((_, i) => terms.reduce((sum, [factor, row]) => sum + factor * row[i]!, 0));
}

function square(size: number, value: (row: number, column: number) => number): number[][] {
  return Array.from({ length: size }, (_, row) => Array.from({ length: size }, (_, column) => value(row, column)));
}

/** Gauss-Jordan elimination with row pivoting. */
function invert(matrix: readonly (readonly number[])[]): number[][] {
  const size = matrix.length;
  const rows = matrix.map((row, i) => [...row, ...row.map((_, j) => (i === j ? 1 : 0))]);
  for (let column = 0; column < size; column++) {
    let pivot = column;
    for (let row = column + 1; row < size; row++) {
      if (Math.abs(rows[row]![column]!) > Math.abs(rows[pivot]![column]!)) pivot = row;
    }
    [rows[column], rows[pivot]] = [rows[pivot]!, rows[column]!];
    const lead = rows[column]!;
    const factor = 1 / lead[column]!;
    for (let i = 0; i < 2 * size; i++) lead[i]! *= factor;
    for (const row of rows) {
      const times = row[column]!;
      if (row !== lead && times !== 0) for (let i = 0; i < 2 * size; i++) row[i]! -= times * lead[i]!;
    }
  }
  return rows.map((row) => row.slice(size));
}

/** Kaiser's window of two dimensions, the weight of each pixel of a patch. */
export function kaiserWindow(size: number, beta: number): Float64Array {
  const line = Array.from(
    { length: size },
    (_, i) => besselI0(beta * Math.sqrt(1 - ((2 * i) / (size - 1) - 1) ** 2)) / besselI0(beta),
  );
  return Float64Array.from(line.flatMap((a) => line.map((b) => a * b)));
}

/** Modified Bessel function of the first kind, order 0, by its power series. */
function besselI0(x: number): number {
  let term = 1;
  let sum = 1;
  for (let k = 1; term > 1e-17 * sum; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}
