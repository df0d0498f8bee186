import { at, gemm } from './gemm';
import { axpy, dot, symv } from './vectors';

const BLOCK = 32;

/**
 * Eigenvalues of the symmetric A[n, n], whose lower triangle is given and destroyed: blocked Householder tridiagonalisation
 * (LAPACK's dsytrd), then implicit QL without vectors (EISPACK's imtql1).
 *
 * @param d float64[n]: the eigenvalues, in no order.
 * @param e float64[n]
 * @param panels float64[97 n]
 * @returns false where QL did not converge, which takes a matrix that is not finite.
 */
export function eigenvalues(n: i32, a: usize, lda: i32, d: usize, e: usize, panels: usize): bool {
  for (let k = 0; k < n; k += BLOCK) {
    const columns = min(BLOCK, n - k);
    reducePanel(n, a, lda, k, columns, d, e, panels);
    const end = k + columns;
    if (end < n) {
      // A -= V W^T + W V^T, as one product: the panels hold V^T, W^T and V^T again.
      const v = panels + ((<usize>end) << 3);
      const w = v + at(columns, 0, n, 1);
      gemm(n - end, n - end, 2 * columns, -1, v, 1, n, w, n, 1, a + at(end, end, lda, 1), lda, true);
    }
  }
  return implicitQl(n, d, e);
}

/** Columns k .. k + columns - 1 to tridiagonal form; the reflections as rows of V^T and W^T in `panels`. */
function reducePanel(n: i32, a: usize, lda: i32, k: i32, columns: i32, d: usize, e: usize, panels: usize): void {
  const vs = panels;
  const ws = vs + at(columns, 0, n, 1);
  const again = ws + at(columns, 0, n, 1);
  const column = panels + at(3 * BLOCK, 0, n, 1);
  for (let p = 0; p < columns; p++) {
    const j = k + p;
    const from: usize = (<usize>j) << 3;
    // Column j as it is after this panel's reflections so far.
    for (let i = j; i < n; i++) store<f64>(column + ((<usize>i) << 3), load<f64>(a + at(i, j, lda, 1)));
    for (let l = 0; l < p; l++) {
      const v = vs + at(l, j, n, 1);
      const w = ws + at(l, j, n, 1);
      axpy(n - j, -load<f64>(w), v, column + from);
      axpy(n - j, -load<f64>(v), w, column + from);
    }
    store<f64>(d + from, load<f64>(column + from));
    if (j === n - 1) return;

    // The reflection I - tau v v^T that leaves beta in place of the entries below the diagonal.
    const rest = n - j - 1;
    const below = column + from + 8;
    const alpha = load<f64>(below);
    const length = norm(rest, below);
    const v = vs + at(p, j + 1, n, 1);
    const w = ws + at(p, j + 1, n, 1);
    let tau: f64 = 0;
    let beta = alpha;
    memory.fill(vs + at(p, 0, n, 1), 0, (<usize>n) << 3);
    memory.fill(ws + at(p, 0, n, 1), 0, (<usize>n) << 3);
    if (length > Math.abs(alpha)) {
      beta = -copysign(length, alpha);
      tau = (beta - alpha) / beta;
      axpy(rest, 1 / (alpha - beta), below, v);
      store<f64>(v, 1);
      // w = tau (A v - V W^T v - W V^T v), less its part along v.
      symv(rest, a + at(j + 1, j + 1, lda, 1), lda, v, w);
      for (let l = 0; l < p; l++) {
        const vl = vs + at(l, j + 1, n, 1);
        const wl = ws + at(l, j + 1, n, 1);
        const vv = dot(rest, vl, v);
        axpy(rest, -dot(rest, wl, v), vl, w);
        axpy(rest, -vv, wl, w);
      }
      for (let i = 0; i < rest; i++) store<f64>(w + ((<usize>i) << 3), tau * load<f64>(w + ((<usize>i) << 3)));
      axpy(rest, -0.5 * tau * dot(rest, w, v), v, w);
    }
    store<f64>(e + from, beta);
    memory.copy(again + at(p, 0, n, 1), vs + at(p, 0, n, 1), (<usize>n) << 3);
  }
}

/** Euclidean norm without overflow: scaled by the largest entry. */
function norm(n: i32, x: usize): f64 {
  let largest: f64 = 0;
  for (let i = 0; i < n; i++) largest = max(largest, Math.abs(load<f64>(x + ((<usize>i) << 3))));
  if (largest === 0) return 0;
  let sum: f64 = 0;
  for (let i = 0; i < n; i++) {
    const ratio = load<f64>(x + ((<usize>i) << 3)) / largest;
    sum += ratio * ratio;
  }
  return largest * Math.sqrt(sum);
}

/** Eigenvalues of the tridiagonal matrix with diagonal d and e below it, into d. */
function implicitQl(n: i32, d: usize, e: usize): bool {
  store<f64>(e + ((<usize>(n - 1)) << 3), 0);
  for (let l = 0; l < n; l++) {
    for (let sweep = 0; ; sweep++) {
      // The first negligible entry at or after l splits the matrix.
      let m = l;
      for (; m < n - 1; m++) {
        const size = Math.abs(get(d, m)) + Math.abs(get(d, m + 1));
        if (Math.abs(get(e, m)) <= f64.EPSILON * 0.5 * size) break;
      }
      if (m === l) break;
      if (sweep === 60) return false;
      // Shift by the eigenvalue of the leading 2 x 2 that is nearer to d[l].
      let g = (get(d, l + 1) - get(d, l)) / (2 * get(e, l));
      let r = Math.sqrt(g * g + 1);
      g = get(d, m) - get(d, l) + get(e, l) / (g + copysign(r, g));
      let s: f64 = 1;
      let c: f64 = 1;
      let p: f64 = 0;
      let i = m - 1;
      for (; i >= l; i--) {
        const f = s * get(e, i);
        const b = c * get(e, i);
        r = Math.sqrt(f * f + g * g);
        set(e, i + 1, r);
        if (r === 0) {
          set(d, i + 1, get(d, i + 1) - p);
          set(e, m, 0);
          break;
        }
        s = f / r;
        c = g / r;
        g = get(d, i + 1) - p;
        r = (get(d, i) - g) * s + 2 * c * b;
        p = s * r;
        set(d, i + 1, g + p);
        g = c * r - b;
      }
      if (r === 0 && i >= l) continue;
      set(d, l, get(d, l) - p);
      set(e, l, g);
      set(e, m, 0);
    }
  }
  return true;
}

function get(x: usize, i: i32): f64 {
  return load<f64>(x + ((<usize>i) << 3));
}

function set(x: usize, i: i32, value: f64): void {
  store<f64>(x + ((<usize>i) << 3), value);
}
