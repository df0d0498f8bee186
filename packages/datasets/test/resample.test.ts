import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { coefficients } from '../src/transforms/coefficients.ts';
import { resample, resamplePlainly } from '../src/transforms/resample.ts';

it('is assembled from the sources beside it', async () => {
  const { assemble, sourceOf } = await import('../assembly/build.mjs');
  const committed = await readFile(new URL('../src/transforms/kernel-binary.ts', import.meta.url), 'utf8');
  expect(sourceOf(await assemble())).toBe(committed);
});

it.each([
  [1, 1, 3, 5, 7],
  [218, 178, 3, 64, 64],
  [9, 5, 4, 3, 11],
  [7, 33, 3, 1, 2],
  [4, 4, 5, 9, 3],
])('gives the bytes of plain JavaScript, %dx%dx%d to %dx%d', (height, width, channels, tall, wide) => {
  const data = Uint8Array.from({ length: height * width * channels }, (_, i) => (i * i * 31 + (i >> 3) * 77) % 256);
  for (const filter of ['box', 'bilinear', 'hamming', 'bicubic', 'lanczos'] as const) {
    for (const antialias of [true, false]) {
      const across = coefficients(width, wide, filter, antialias);
      const down = coefficients(height, tall, filter, antialias);
      for (const downFirst of [true, false]) {
        const work = { data, height, width, channels, across, down, downFirst };
        expect(Buffer.from(resample(work)).equals(Buffer.from(resamplePlainly(work)))).toBe(true);
      }
    }
  }
});
