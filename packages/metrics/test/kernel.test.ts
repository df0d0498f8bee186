import { expect, it } from 'vitest';
import { readFile } from 'node:fs/promises';
import { createKernel } from '../src/linalg/kernel.ts';
import { forEachProductBlock } from '../src/linalg/products.ts';
import { features, randomState } from './numpy.ts';

it('is assembled from the sources beside it', async () => {
  const { assemble, sourceOf } = await import('../assembly/build.mjs');
  const committed = await readFile(new URL('../src/linalg/kernel-binary.ts', import.meta.url), 'utf8');
  expect(sourceOf(await assemble())).toBe(committed);
});

it.each([
  [1, 1, 1],
  [5, 7, 3],
  [130, 70, 300],
])('multiplies %d x %d by %d columns', (m, n, k) => {
  const [x, y] = [features(randomState(1), m, k), features(randomState(2), n, k)];
  forEachProductBlock(x, y, (products, first, rows) => {
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let l = 0; l < k; l++) sum += x.data[(first + i) * k + l]! * y.data[j * k + l]!;
        expect(Math.abs(products[i * n + j]! - sum)).toBeLessThan(1e-12);
      }
    }
  });
});

it.each([1, 2, 3, 32, 33, 90])('finds the eigenvalues of a path graph of %d nodes', (n) => {
  // The Laplacian of a path has the eigenvalues 2 - 2 cos(pi i / n), turned here by a reflection to be dense.
  const { exports, blocks } = createKernel({ a: n * n, d: n, e: n, panels: 98 * n });
  const laplacian = (i: number, j: number) =>
    i === j ? (i === 0 ? 1 : 0) + (i === n - 1 ? 1 : 0) - 2 : Math.abs(i - j) === 1 ? 1 : 0;
  const unit = Array.from({ length: n }, (_, i) => Math.sin(i + 1));
  const size = Math.sqrt(unit.reduce((sum, value) => sum + value ** 2, 0));
  const q = (i: number, j: number) => (i === j ? 1 : 0) - (2 * unit[i]! * unit[j]!) / size ** 2;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let k = 0; k < n; k++)
        for (let l = Math.max(0, k - 1); l < Math.min(n, k + 2); l++) sum -= q(i, k) * laplacian(k, l) * q(l, j);
      blocks.a.data[i * n + j] = n === 1 ? 0 : sum;
    }
  }
  expect(exports.eigenvalues(n, blocks.a.pointer, n, blocks.d.pointer, blocks.e.pointer, blocks.panels.pointer)).toBe(
    1,
  );
  const expected = Array.from({ length: n }, (_, i) => 2 - 2 * Math.cos((Math.PI * i) / n));
  expect(Float64Array.from(blocks.d.data).sort()).toBeAllClose(expected, { rtol: 0, atol: 1e-13 });
});
