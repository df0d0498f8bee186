/**
 * Factors of a square matrix, in its place, by elimination with partial pivoting; a singular one makes infinite or NaN what is
 * solved with it.
 *
 * @param matrix row by row, overwritten.
 * @returns b ↦ x of A x = b, valid until the matrix is written to again.
 */
export function factorised(matrix: Float64Array, n: number): (b: Float64Array) => Float64Array {
  const rows = Int32Array.from({ length: n }, (_, i) => i * n);
  for (let k = 0; k < n; k++) {
    let pivot = k;
    for (let i = k + 1; i < n; i++) {
      if (Math.abs(matrix[rows[i]! + k]!) > Math.abs(matrix[rows[pivot]! + k]!)) pivot = i;
    }
    [rows[k], rows[pivot]] = [rows[pivot]!, rows[k]!];
    const top = rows[k]!;
    for (let i = k + 1; i < n; i++) {
      const row = rows[i]!;
      const factor = (matrix[row + k]! /= matrix[top + k]!);
      if (factor === 0) continue;
      for (let j = k + 1; j < n; j++) matrix[row + j]! -= factor * matrix[top + j]!;
    }
  }
  return (b) => {
    const x = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      let sum = b[rows[i]! / n]!;
      for (let j = 0; j < i; j++) sum -= matrix[rows[i]! + j]! * x[j]!;
      x[i] = sum;
    }
    for (let i = n - 1; i >= 0; i--) {
      let sum = x[i]!;
      for (let j = i + 1; j < n; j++) sum -= matrix[rows[i]! + j]! * x[j]!;
      x[i] = sum / matrix[rows[i]! + i]!;
    }
    return x;
  };
}
