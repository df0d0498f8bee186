import * as random from '@missing-u/random';
import { examplesOf, runExample } from '@missing-u/test-utils';
import { expect, it } from 'vitest';
import * as denoisers from '../src/index.ts';

it('runs the example of the README', async () => {
  const [example] = examplesOf(new URL('../README.md', import.meta.url));
  const modules = { '@missing-u/denoisers': denoisers, '@missing-u/random': random };
  const [[before, after]] = (await runExample(example!, modules)) as [[number, number]];
  expect(before).toBeCloseTo(25, -1);
  expect(after).toBeLessThan(2);
});
