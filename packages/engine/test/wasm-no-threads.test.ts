import type { WorkerOptions } from 'node:worker_threads';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it, vi } from 'vitest';
import { doctor, useEngine } from '../src/index.ts';
import { ownCacheFolder } from './folder.ts';

// No native engine is found in it.
ownCacheFolder();

vi.mock('node:worker_threads', async (original) => ({
  ...(await original<object>()),
  Worker: class {
    constructor(_source: string, _options: WorkerOptions) {
      throw new Error('no more threads');
    }
  },
}));

it('wasm falls back to one thread where workers cannot start, and says why', async () => {
  const said: string[] = [];
  const engine = await useEngine('wasm', { threads: 2, log: (line) => said.push(line) });
  expect(engine.device).toContain('1 thread');
  expect(engine.notes).toEqual([expect.stringContaining('no more threads')]);
  expect(said).toEqual(engine.notes);
  expect(tf.add(1, 2)).toBeAllClose([3]);
  expect((await useEngine('wasm', { threads: 2, log: () => undefined })).notes).toEqual(engine.notes);
});

it('and the doctor says why', async () => {
  vi.stubEnv('VK_ICD_FILENAMES', '/nowhere/card.json');
  const { engine, candidates } = await doctor();
  expect(engine).toMatchObject({ name: 'wasm', device: expect.stringContaining('1 thread') });
  const wasm = candidates.find(({ name }) => name === 'wasm');
  expect(wasm).toMatchObject({ usable: true, reason: expect.stringContaining('no more threads') });
});
