import { factorised } from './dense-solve.ts';
import type { Float64Space } from './space.ts';

/** Most components for which the Jacobian is written out; for more, products with it have to do. */
export const MOST_DENSE = 200;

/**
 * Solves with 1 - γ ∂f/∂y, the Jacobian by forward differences, column by column: each with an increment in proportion to its own
 * component, or to its tolerance where that is larger, as components may differ by many orders of magnitude. Where f is so large that
 * its rounding would drown the difference, the increment is that of LSODE (A. Hindmarsh, "ODEPACK", 1983).
 *
 * @param f slopes at a time, into the vector given.
 */
export function newtonSolver(
  space: Float64Space,
  f: (y: Float64Array, into: Float64Array) => Float64Array,
  y: Float64Array,
  gamma: number,
): (rhs: Float64Array) => Float64Array {
  const n = y.length;
  const matrix = new Float64Array(n * n);
  const [moved, ft, slopes] = [y.slice(), f(y, new Float64Array(n)), new Float64Array(n)];
  let size = 0;
  for (let i = 0; i < n; i++) size += (ft[i]! / space.tolerance(y, i)) ** 2;
  const floor = 1000 * Math.abs(gamma) * Number.EPSILON * n * Math.sqrt(size / n);
  for (let j = 0; j < n; j++) {
    const proportional = Math.sqrt(Number.EPSILON) * Math.max(Math.abs(y[j]!), space.absoluteTolerance(j));
    const next = y[j]! + Math.max(proportional, floor * space.tolerance(y, j));
    moved[j] = next;
    const ahead = f(moved, slopes);
    // As it came out, rounded.
    const increment = next - y[j]!;
    for (let i = 0; i < n; i++) matrix[i * n + j] = (-gamma * (ahead[i]! - ft[i]!)) / increment;
    matrix[j * n + j] = 1 + matrix[j * n + j]!;
    moved[j] = y[j]!;
  }
  return factorised(matrix, n);
}
