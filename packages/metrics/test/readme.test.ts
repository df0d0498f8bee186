import { examplesOf, runExample } from '@missing-u/test-utils';
import { expect, it } from 'vitest';
import * as metrics from '../src/index.ts';

it('runs the example of the README', async () => {
  const [example] = examplesOf(new URL('../README.md', import.meta.url));
  const logged = await runExample(example!, { '@missing-u/metrics': metrics });
  expect(logged).toEqual([['0.9890'], ['6.90']]);
});
