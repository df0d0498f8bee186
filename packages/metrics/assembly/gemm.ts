/**
 * General products in blocks (Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", 2008): panels of
 * both factors are copied into the order in which a 4 x 4 kernel reads them. Matrices are pointers to float64 with a row and
 * a column stride in elements, so a transpose is a swap of strides.
 */
const MR = 4;
const NR = 4;
/** Blocks of the left factor stay in the second cache, strips of the right one in the first. */
const MC = 128;
const KC = 256;
const NC = 1024;

const TILE: usize = 0;
const PACKED_A: usize = TILE + MR * NR * 8;
const PACKED_B: usize = PACKED_A + MC * KC * 8;
/** First byte of the memory that this file leaves alone. */
export const HEAP: usize = PACKED_B + KC * NC * 8;

/** C += alpha A B, of C[m, n] with unit column stride; with `lower`, tiles above the diagonal are left out. */
export function gemm(
  m: i32,
  n: i32,
  k: i32,
  alpha: f64,
  a: usize,
  aRow: i32,
  aColumn: i32,
  b: usize,
  bRow: i32,
  bColumn: i32,
  c: usize,
  cRow: i32,
  lower: bool,
): void {
  for (let j0 = 0; j0 < n; j0 += NC) {
    const nc = min(NC, n - j0);
    for (let k0 = 0; k0 < k; k0 += KC) {
      const kc = min(KC, k - k0);
      pack(b + at(k0, j0, bRow, bColumn), nc, kc, bColumn, bRow, PACKED_B, 1);
      for (let i0 = lower ? (j0 / MR) * MR : 0; i0 < m; i0 += MC) {
        const mc = min(MC, m - i0);
        pack(a + at(i0, k0, aRow, aColumn), mc, kc, aRow, aColumn, PACKED_A, alpha);
        for (let j = 0; j < nc; j += NR) {
          for (let i = 0; i < mc; i += MR) {
            if (lower && j0 + j > i0 + i + MR - 1) continue;
            const tile = c + at(i0 + i, j0 + j, cRow, 1);
            const pa: usize = PACKED_A + <usize>(i * kc) * 8;
            const pb: usize = PACKED_B + <usize>(j * kc) * 8;
            if (mc - i >= MR && nc - j >= NR) kernel(kc, pa, pb, tile, cRow);
            else edge(kc, pa, pb, tile, cRow, min(MR, mc - i), min(NR, nc - j));
          }
        }
      }
    }
  }
}

/** Byte offset of an element. */
export function at(row: i32, column: i32, rowStride: i32, columnStride: i32): usize {
  return (<usize>row * rowStride + <usize>column * columnStride) << 3;
}

/** Copies `lines` lines of `length` numbers times `scale` in strips of four lines, side by side, the last one filled with zeros. */
function pack(from: usize, lines: i32, length: i32, lineStride: i32, stride: i32, to: usize, scale: f64): void {
  for (let line = 0; line < lines; line += 4) {
    for (let i = 0; i < length; i++) {
      for (let l = 0; l < 4; l++) {
        const value = line + l < lines ? scale * load<f64>(from + at(line + l, i, lineStride, stride)) : 0;
        store<f64>(to, value);
        to += 8;
      }
    }
  }
}

/** A tile that sticks out: computed aside, its inner part added. */
function edge(k: i32, a: usize, b: usize, c: usize, cRow: i32, rows: i32, columns: i32): void {
  memory.fill(TILE, 0, MR * NR * 8);
  kernel(k, a, b, TILE, NR);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const target = c + at(i, j, cRow, 1);
      store<f64>(target, load<f64>(target) + load<f64>(TILE + at(i, j, NR, 1)));
    }
  }
}

/** C[4, 4] += the product of two packed strips. Each row of C is two vectors of two numbers. */
function kernel(k: i32, a: usize, b: usize, c: usize, cRow: i32): void {
  let c00 = f64x2.splat(0),
    c01 = f64x2.splat(0);
  let c10 = f64x2.splat(0),
    c11 = f64x2.splat(0);
  let c20 = f64x2.splat(0),
    c21 = f64x2.splat(0);
  let c30 = f64x2.splat(0),
    c31 = f64x2.splat(0);
  for (const end: usize = a + <usize>k * 32; a < end; a += 32, b += 32) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    const a0 = v128.load64_splat(a);
    c00 = f64x2.add(c00, f64x2.mul(a0, b0));
    c01 = f64x2.add(c01, f64x2.mul(a0, b1));
    const a1 = v128.load64_splat(a, 8);
    c10 = f64x2.add(c10, f64x2.mul(a1, b0));
    c11 = f64x2.add(c11, f64x2.mul(a1, b1));
    const a2 = v128.load64_splat(a, 16);
    c20 = f64x2.add(c20, f64x2.mul(a2, b0));
    c21 = f64x2.add(c21, f64x2.mul(a2, b1));
    const a3 = v128.load64_splat(a, 24);
    c30 = f64x2.add(c30, f64x2.mul(a3, b0));
    c31 = f64x2.add(c31, f64x2.mul(a3, b1));
  }
  const row: usize = (<usize>cRow) << 3;
  accumulate(c, c00, c01);
  accumulate(c + row, c10, c11);
  accumulate(c + 2 * row, c20, c21);
  accumulate(c + 3 * row, c30, c31);
}

function accumulate(c: usize, low: v128, high: v128): void {
  v128.store(c, f64x2.add(v128.load(c), low));
  v128.store(c, f64x2.add(v128.load(c, 16), high), 16);
}
