import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { useEngine } from '../src/index.ts';

interface WasmBackend extends tf.KernelBackend {
  wasm: { cwrap(name: string, result: null, parameters: string[]): (...args: number[]) => void };
}

it('wasm that broke off with threads refuses further kernels, instead of waiting for ever', async () => {
  await useEngine('wasm', { threads: 2 });
  const x = tf.ones<tf.Rank.R4>([1, 3, 1, 3]);
  const sum = tf.sum(x);
  const { wasm } = tf.backend() as WasmBackend;
  const averagePool = wasm.cwrap('AvgPool', null, new Array<string>(14).fill('number'));
  const crash = { code: 'ENGINE_CRASHED', message: expect.stringContaining('AvgPool') as string };
  // A window wider than the image, into a place that is no tensor.
  expect(() => averagePool(1, 1, 3, 1, 1, 4, 0, 0, 0, 0, 1, 3, 3, 1 << 20)).toThrow(expect.objectContaining(crash));
  expect(() => tf.maxPool(x, 1, 1, 'valid')).toThrow(expect.objectContaining(crash));
  // What was computed before can be read and let go of, and another engine goes on.
  expect(sum).toBeAllClose([9]);
  tf.dispose([x, sum]);
  await useEngine('cpu');
  expect(tf.sum(tf.ones([3]))).toBeAllClose([3]);
});
