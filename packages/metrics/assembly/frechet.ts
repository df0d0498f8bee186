import { choleskyPivoted } from './cholesky';
import { eigenvalues } from './eigenvalues';
import { at, gemm } from './gemm';
import { dot } from './vectors';

const BLOCK = 128;

/** What the trace of L L^T may have more than that of S: noise of float32 covariances below full rank makes 1e-5 of it. */
const EXCESS: f64 = 0.01;

/**
 * Tr (S1 S2)^(1/2) of two covariances S1[n, n], S2[n, n], given whole and destroyed.
 *
 * With P^T S1 P = L L^T, the eigenvalues of L^T (P^T S2 P) L are those of S1 S2, and a symmetric matrix has them real. L has
 * as many columns as S1 has rank; the factor of lower rank is taken, so that no eigenvalue that is zero by rank enters as the
 * root of its rounding error.
 *
 * @param work float64[n n + 100 n]
 * @returns the trace; NaN where the input was not finite, -1 where S1 and -2 where S2 is clearly no covariance.
 */
export function traceSqrtProduct(n: i32, s1: usize, s2: usize, work: usize): f64 {
  const square: usize = at(n, 0, n, 1);
  const l = work;
  const vectors = l + square;
  const pivots = vectors + at(99, 0, n, 1);

  memory.copy(l, s2, square);
  const rank2 = choleskyPivoted(n, l, pivots, vectors);
  if (exceeds(n, l, rank2, s2)) return -2;
  memory.copy(l, s1, square);
  let rank = choleskyPivoted(n, l, pivots, vectors);
  if (exceeds(n, l, rank, s1)) return -1;
  let own = s1;
  let other = s2;
  if (rank2 < rank) {
    memory.copy(l, s2, square);
    rank = choleskyPivoted(n, l, pivots, vectors);
    own = s2;
    other = s1;
  }
  if (rank === 0) return 0;

  // The matrices themselves are not needed again: their memory takes B = P^T S P, then Y = B L, then M = L^T Y.
  permute(n, other, pivots, own);
  keepLower(n, l);
  memory.fill(other, 0, square);
  for (let j = 0; j < rank; j += BLOCK) {
    gemm(
      n,
      min(BLOCK, rank - j),
      n - j,
      1,
      own + at(0, j, n, 1),
      n,
      1,
      l + at(j, j, n, 1),
      n,
      1,
      other + at(0, j, n, 1),
      n,
      false,
    );
  }
  memory.fill(own, 0, square);
  for (let i = 0; i < rank; i += BLOCK) {
    const rows = min(BLOCK, rank - i);
    gemm(
      rows,
      i + rows,
      n - i,
      1,
      l + at(i, i, n, 1),
      1,
      n,
      other + at(i, 0, n, 1),
      n,
      1,
      own + at(i, 0, n, 1),
      n,
      false,
    );
  }

  const e = vectors + at(1, 0, n, 1);
  if (!eigenvalues(rank, own, n, vectors, e, vectors + at(2, 0, n, 1))) return NaN;
  let trace: f64 = 0;
  for (let i = 0; i < rank; i++) trace += Math.sqrt(max(0, load<f64>(vectors + at(0, i, n, 1))));
  return trace;
}

/**
 * Whether L L^T has a clearly larger trace than S, of which it was made. With S positive semidefinite it has the trace of S
 * less what was left as noise; a negative eigenvalue leaves a negative rest, so that more came out than was there.
 */
function exceeds(n: i32, l: usize, rank: i32, s: usize): bool {
  let trace: f64 = 0;
  let squares: f64 = 0;
  for (let i = 0; i < n; i++) {
    const row = l + at(i, 0, n, 1);
    trace += load<f64>(s + at(i, i, n, 1));
    squares += dot(min(i + 1, rank), row, row);
  }
  return squares > (1 + EXCESS) * trace;
}

/** to[i, j] = from[pivots[i], pivots[j]]. */
function permute(n: i32, from: usize, pivots: usize, to: usize): void {
  for (let i = 0; i < n; i++) {
    const row = from + at(load<i32>(pivots + ((<usize>i) << 2)), 0, n, 1);
    for (let j = 0; j < n; j++) {
      store<f64>(to + at(i, j, n, 1), load<f64>(row + ((<usize>load<i32>(pivots + ((<usize>j) << 2))) << 3)));
    }
  }
}

/** Zeros above the diagonal. */
function keepLower(n: i32, a: usize): void {
  for (let i = 0; i < n - 1; i++) memory.fill(a + at(i, i + 1, n, 1), 0, (<usize>(n - i - 1)) << 3);
}
