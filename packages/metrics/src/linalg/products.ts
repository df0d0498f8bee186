import type { FeatureMatrix } from './feature-matrix.ts';
import { createKernel } from './kernel.ts';

/** Rows of a product that are made at once: enough for the kernel's speed, few enough to stay small. */
const blockRows = 256;

/**
 * The products x yᵀ of all rows of two matrices, in blocks of rows: `use(products, first, rows)` sees a row-major block of
 * `rows` x `y.rows` numbers that is overwritten by the next one. Equal pairs of rows give equal bits, wherever they stand.
 */
export function forEachProductBlock(
  x: FeatureMatrix,
  y: FeatureMatrix,
  use: (products: Float64Array, first: number, rows: number) => void,
): void {
  const { columns } = x;
  const atOnce = Math.min(blockRows, x.rows);
  const { exports, blocks } = createKernel({ y: y.rows * columns, x: atOnce * columns, out: atOnce * y.rows });
  blocks.y.data.set(y.data);
  for (let first = 0; first < x.rows; first += atOnce) {
    const rows = Math.min(atOnce, x.rows - first);
    blocks.x.data.set(x.data.subarray(first * columns, (first + rows) * columns));
    blocks.out.data.fill(0);
    exports.gemm(
      rows,
      y.rows,
      columns,
      1,
      blocks.x.pointer,
      columns,
      1,
      blocks.y.pointer,
      1,
      columns,
      blocks.out.pointer,
      y.rows,
      0,
    );
    use(blocks.out.data, first, rows);
  }
}
