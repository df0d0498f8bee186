/** Sum of x[i] y[i], in two lanes. */
export function dot(n: i32, x: usize, y: usize): f64 {
  let sum0 = f64x2.splat(0);
  let sum1 = f64x2.splat(0);
  let i = 0;
  for (; i + 4 <= n; i += 4, x += 32, y += 32) {
    sum0 = f64x2.add(sum0, f64x2.mul(v128.load(x), v128.load(y)));
    sum1 = f64x2.add(sum1, f64x2.mul(v128.load(x, 16), v128.load(y, 16)));
  }
  sum0 = f64x2.add(sum0, sum1);
  let sum = f64x2.extract_lane(sum0, 0) + f64x2.extract_lane(sum0, 1);
  for (; i < n; i++, x += 8, y += 8) sum += load<f64>(x) * load<f64>(y);
  return sum;
}

/** y += alpha x. */
export function axpy(n: i32, alpha: f64, x: usize, y: usize): void {
  const factor = f64x2.splat(alpha);
  let i = 0;
  for (; i + 2 <= n; i += 2, x += 16, y += 16) {
    v128.store(y, f64x2.add(v128.load(y), f64x2.mul(factor, v128.load(x))));
  }
  if (i < n) store<f64>(y, load<f64>(y) + alpha * load<f64>(x));
}

/** y += A x of the symmetric A[n, n] whose lower triangle is stored; two rows at a time, each read once for both triangles. */
export function symv(n: i32, a: usize, aRow: i32, x: usize, y: usize): void {
  const row: usize = (<usize>aRow) << 3;
  let i = 0;
  for (; i + 2 <= n; i += 2) {
    const a0 = a + <usize>i * row;
    const a1 = a0 + row;
    const x0 = load<f64>(x + ((<usize>i) << 3));
    const x1 = load<f64>(x + ((<usize>i) << 3), 8);
    const left0 = f64x2.splat(x0);
    const left1 = f64x2.splat(x1);
    let sum0 = f64x2.splat(0);
    let sum1 = f64x2.splat(0);
    for (let j: usize = 0, end: usize = (<usize>i) << 3; j < end; j += 16) {
      const v0 = v128.load(a0 + j);
      const v1 = v128.load(a1 + j);
      const xj = v128.load(x + j);
      sum0 = f64x2.add(sum0, f64x2.mul(v0, xj));
      sum1 = f64x2.add(sum1, f64x2.mul(v1, xj));
      v128.store(y + j, f64x2.add(v128.load(y + j), f64x2.add(f64x2.mul(v0, left0), f64x2.mul(v1, left1))));
    }
    const d0: usize = (<usize>i) << 3;
    const below = load<f64>(a1 + d0);
    add(y + d0, f64x2.extract_lane(sum0, 0) + f64x2.extract_lane(sum0, 1) + load<f64>(a0 + d0) * x0 + below * x1);
    add(
      y + d0 + 8,
      f64x2.extract_lane(sum1, 0) + f64x2.extract_lane(sum1, 1) + below * x0 + load<f64>(a1 + d0, 8) * x1,
    );
  }
  if (i < n) {
    const last = a + <usize>i * row;
    const xi = load<f64>(x + ((<usize>i) << 3));
    axpy(i, xi, last, y);
    add(y + ((<usize>i) << 3), dot(i, last, x) + load<f64>(last + ((<usize>i) << 3)) * xi);
  }
}

function add(pointer: usize, value: f64): void {
  store<f64>(pointer, load<f64>(pointer) + value);
}
