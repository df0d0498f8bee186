import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

// `tools/checks/api.mjs` keeps the reports equal to the built declarations.
it.each(['denoisers', 'denoisers-bm3d.worker'])('names no type of Node in what %s declares', (report) => {
  const text = readFileSync(new URL(`../etc/${report}.api.md`, import.meta.url), 'utf8');
  expect(text).not.toMatch(/'node:|\bNodeJS\.|\bBuffer\b|types="node"/);
});
