import * as tf from '@tensorflow/tfjs-core';
import { useEngine } from '@missing-u/engine';
import * as unetBlocks from '@missing-u/unet-blocks';
import { examplesOf, runExample } from '@missing-u/test-utils';
import { beforeAll, expect, it } from 'vitest';

beforeAll(() => useEngine('wasm', { threads: 1 }).then(() => undefined));

it('runs the example of the README', async () => {
  const [example] = examplesOf(new URL('../README.md', import.meta.url));
  const modules = {
    '@missing-u/engine': { useEngine: () => Promise.resolve() },
    '@missing-u/unet-blocks': unetBlocks,
    '@tensorflow/tfjs-core': tf,
  };
  const logged = await runExample(example!, modules);
  expect(logged).toEqual([[[2, 16, 16, 3], 64_483]]);
});
