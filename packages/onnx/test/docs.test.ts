import { rmSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import * as cunet from '@missing-u/cunet';
import { useEngine } from '@missing-u/engine';
import * as onnx from '@missing-u/onnx';
import * as schedulers from '@missing-u/schedulers';
import { examplesOf, runExample } from '@missing-u/test-utils';
import { beforeAll, expect, it } from 'vitest';

beforeAll(() => useEngine('wasm', { threads: 1 }).then(() => undefined));

const modules = {
  '@tensorflow/tfjs-core': tf,
  '@missing-u/cunet': cunet,
  '@missing-u/engine': { useEngine: () => Promise.resolve() },
  '@missing-u/onnx': onnx,
  '@missing-u/schedulers': schedulers,
};

it('runs the example of the README', async () => {
  const [example] = examplesOf(new URL('../README.md', import.meta.url));
  expect(await runExample(example!, modules)).toEqual([[4 * 32 * 32, 'CUNet']]);
});

it('runs the examples of docs/onnx.md', async () => {
  const [write, read] = examplesOf(new URL('../../../docs/onnx.md', import.meta.url));
  try {
    const [[size]] = (await runExample(write!, modules)) as [[number]];
    expect(size).toBeGreaterThan(2e6);
    const [[length]] = (await runExample(`${read}\nconsole.log((await sample('cunet.onnx')).length);`, modules)) as [
      [number],
    ];
    expect(length).toBe(4 * 32 * 32 * 3);
  } finally {
    rmSync('cunet.onnx', { force: true });
  }
});
