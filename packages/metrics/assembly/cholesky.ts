import { at, gemm } from './gemm';
import { dot } from './vectors';

const BLOCK = 32;

/**
 * Cholesky with complete pivoting, P^T A P = L L^T, in place in the lower triangle of A[n, n] (LAPACK's dpstrf). It stops
 * where the largest remaining diagonal entry is rounding noise, n eps max(diagonal): what is left is the matrix' null space.
 *
 * @param pivots int32[n]: row i of L is row pivots[i] of A.
 * @param work float64[n]
 * @returns the rank: number of columns of L that were computed.
 */
export function choleskyPivoted(n: i32, a: usize, pivots: usize, work: usize): i32 {
  let largest: f64 = 0;
  for (let i = 0; i < n; i++) {
    store<i32>(pivots + ((<usize>i) << 2), i);
    largest = max(largest, load<f64>(a + at(i, i, n, 1)));
  }
  const tolerance = <f64>n * 0.5 * f64.EPSILON * largest;

  for (let k = 0; k < n; k += BLOCK) {
    const end = min(k + BLOCK, n);
    memory.fill(work, 0, (<usize>n) << 3);
    for (let j = k; j < end; j++) {
      // Remaining diagonal: the stored one less the squares of this block's columns.
      let pivot = j;
      let best = -Infinity;
      for (let i = j; i < n; i++) {
        const w = work + ((<usize>i) << 3);
        if (j > k) {
          const entry = load<f64>(a + at(i, j - 1, n, 1));
          store<f64>(w, load<f64>(w) + entry * entry);
        }
        const rest = load<f64>(a + at(i, i, n, 1)) - load<f64>(w);
        if (rest > best) {
          best = rest;
          pivot = i;
        }
      }
      if (!(best > tolerance)) return j;
      if (pivot !== j) swap(n, a, pivots, work, j, pivot);
      const diagonal = Math.sqrt(best);
      store<f64>(a + at(j, j, n, 1), diagonal);
      const row = a + at(j, k, n, 1);
      for (let i = j + 1; i < n; i++) {
        const entry = a + at(i, j, n, 1);
        store<f64>(entry, (load<f64>(entry) - dot(j - k, a + at(i, k, n, 1), row)) / diagonal);
      }
    }
    if (end < n) {
      const below = a + at(end, k, n, 1);
      gemm(n - end, n - end, end - k, -1, below, n, 1, below, 1, n, a + at(end, end, n, 1), n, true);
    }
  }
  return n;
}

/** Exchanges rows and columns j < p of the symmetric matrix behind its lower triangle. */
function swap(n: i32, a: usize, pivots: usize, work: usize, j: i32, p: i32): void {
  store<f64>(a + at(p, p, n, 1), load<f64>(a + at(j, j, n, 1)));
  for (let i = 0; i < j; i++) exchange<f64>(a + at(j, i, n, 1), a + at(p, i, n, 1));
  for (let i = j + 1; i < p; i++) exchange<f64>(a + at(i, j, n, 1), a + at(p, i, n, 1));
  for (let i = p + 1; i < n; i++) exchange<f64>(a + at(i, j, n, 1), a + at(i, p, n, 1));
  exchange<f64>(work + ((<usize>j) << 3), work + ((<usize>p) << 3));
  exchange<i32>(pivots + ((<usize>j) << 2), pivots + ((<usize>p) << 2));
}

function exchange<T>(p: usize, q: usize): void {
  const value = load<T>(p);
  store<T>(p, load<T>(q));
  store<T>(q, value);
}
