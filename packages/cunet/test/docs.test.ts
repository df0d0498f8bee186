import * as tf from '@tensorflow/tfjs-core';
import * as cunet from '@missing-u/cunet';
import { useEngine } from '@missing-u/engine';
import * as unetBlocks from '@missing-u/unet-blocks';
import * as layers from '@missing-u/unet-blocks/layers';
import { examplesOf, runExample } from '@missing-u/test-utils';
import { beforeAll, describe, expect, it } from 'vitest';

beforeAll(() => useEngine('wasm', { threads: 1 }).then(() => undefined));

const modules = {
  '@tensorflow/tfjs': tf, // what the example uses of it is tfjs-core's
  '@tensorflow/tfjs-core': tf,
  '@missing-u/cunet': cunet,
  '@missing-u/engine': { useEngine: () => Promise.resolve() },
  '@missing-u/unet-blocks': unetBlocks,
  '@missing-u/unet-blocks/layers': layers,
};

it('runs the example of the README', async () => {
  const [example] = examplesOf(new URL('../README.md', import.meta.url));
  expect(await runExample(example!, modules)).toEqual([
    [new cunet.CUNet({ inChannels: 1, channels: 8, weights: 'none' }).parameterCount],
  ]);
});

describe('docs/swap.md', () => {
  const examples = examplesOf(new URL('../../../docs/swap.md', import.meta.url));
  const count = new cunet.CUNet({ inChannels: 1, channels: 8, weights: 'none' }).parameterCount;

  it.each([
    ['a sampling loop', [[[1, 32, 32, 1]]]],
    ['a layers model', [[[2, 32, 32, 1], count]]],
    ['a function', [[['shrink']]]],
  ])('puts a denoiser into %s', async (_, expected) => {
    const example = examples[['a sampling loop', 'a layers model', 'a function'].indexOf(_)]!;
    expect(await runExample(example, modules)).toEqual(expected);
  });
});

describe('docs/networks.md', () => {
  const examples = examplesOf(new URL('../../../docs/networks.md', import.meta.url));

  it.each(examples.map((example, i) => [i + 1, example] as const))('runs example %i', async (_, example) => {
    await runExample(example, modules);
  });
});
