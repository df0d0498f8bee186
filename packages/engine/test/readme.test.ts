import * as tf from '@tensorflow/tfjs-core';
import { examplesOf, runExample } from '@missing-u/test-utils';
import { expect, it } from 'vitest';
import * as engine from '../src/index.ts';

it('runs the example of the README', async () => {
  const [example] = examplesOf(new URL('../README.md', import.meta.url));
  const logged = await runExample(example!, { '@missing-u/engine': engine, '@tensorflow/tfjs-core': tf });
  expect(logged).toEqual([['wasm', 0], [[3, 3, 1, 1]]]);
});
