import type { Space } from './space.ts';

/**
 * Solves A x = b for a matrix known by its products, by the generalised minimal residual method (Y. Saad and M. H. Schultz,
 * SIAM J. Sci. Stat. Comput. 7, 1986) with modified Gram-Schmidt and Givens rotations, from x = 0, without restarts.
 *
 * @returns x with ‖A x - b‖ ≤ `tolerance` ‖b‖, or the best of `limit` directions.
 */
export function gmres<Y>(space: Space<Y>, product: (v: Y) => Y, b: Y, tolerance = 1e-6, limit = 40): Y {
  const beta = Math.sqrt(space.dot(b, b));
  const none = () => space.combine(undefined, 0, [1], [b]);
  if (beta === 0 || !Number.isFinite(beta)) return beta === 0 ? none() : b;
  const basis: Y[] = [space.combine(undefined, 1 / beta, [1], [b])];
  /** Columns of the triangular factor, and the rotated right-hand side. */
  const columns: number[][] = [];
  const rotations: [number, number][] = [];
  const rhs = [beta];
  for (let j = 0; j < limit; j++) {
    let w = product(basis[j]!);
    const column: number[] = [];
    for (const v of basis) {
      const h = space.dot(v, w);
      w = space.combine(w, -h, [1], [v]);
      column.push(h);
    }
    const norm = Math.sqrt(space.dot(w, w));
    rotations.forEach(([cos, sin], i) => {
      const [upper, lower] = [column[i]!, column[i + 1]!];
      column[i] = cos * upper + sin * lower;
      column[i + 1] = cos * lower - sin * upper;
    });
    const length = Math.hypot(column[j]!, norm);
    if (!Number.isFinite(length) || length === 0) break;
    const [cos, sin] = [column[j]! / length, norm / length];
    column[j] = length;
    rotations.push([cos, sin]);
    columns.push(column);
    rhs.push(-sin * rhs[j]!);
    rhs[j]! *= cos;
    if (Math.abs(rhs[j + 1]!) <= tolerance * beta || norm <= 1e-14 * length) break;
    basis.push(space.combine(undefined, 1 / norm, [1], [w]));
  }
  if (columns.length === 0) return none();
  const x = rhs.slice(0, columns.length);
  for (let i = x.length - 1; i >= 0; i--) {
    for (let j = i + 1; j < x.length; j++) x[i]! -= columns[j]![i]! * x[j]!;
    x[i]! /= columns[i]![i]!;
  }
  return space.combine(undefined, 1, x, basis.slice(0, x.length));
}
