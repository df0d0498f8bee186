import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { useEngine } from '../src/index.ts';

it('calls at the same time share one start, and the last one decides', async () => {
  const engines = await Promise.all([useEngine('wasm', { threads: 1 }), useEngine('wasm', { threads: 1 })]);
  expect(engines.map(({ device }) => device)).toEqual([0, 1].map(() => expect.stringContaining('1 thread') as string));
  expect(tf.add(1, 2)).toBeAllClose([3]);

  const wrong = useEngine('wasm', { threads: 2 });
  const after = useEngine('cpu');
  await expect(wrong).rejects.toMatchObject({ code: 'ENGINE_ALREADY_STARTED' });
  expect(await after).toMatchObject({ name: 'cpu' });
  expect(tf.getBackend()).toBe('cpu');
  await Promise.all([useEngine('cpu'), useEngine('wasm')]);
  expect(tf.getBackend()).toBe('wasm');
});
