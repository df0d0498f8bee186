import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it, vi } from 'vitest';
import { EngineError, useEngine } from '../src/index.ts';

async function failure(run: () => Promise<unknown>): Promise<EngineError> {
  const error = await run().then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(EngineError);
  return error as EngineError;
}

describe('useEngine', () => {
  it.each(['cpu', 'wasm'] as const)('starts %s, with all gradients', async (name) => {
    const engine = await useEngine(name);
    expect(engine).toMatchObject({ name, reasons: [] });
    expect(engine.version).toMatch(/^4\./);
    expect(engine.device).toMatch(/thread/);
    expect(tf.getBackend()).toBe(name);
    expect(tf.grad((x) => tf.square(x))(tf.scalar(3))).toBeAllClose([6]);
  });

  it('makes a full heap of wasm an error, and goes on', async () => {
    await useEngine('wasm');
    await expect(async () => tf.tile(tf.ones([1]), [1.2e9])).rejects.toMatchObject({
      code: 'ENGINE_OUT_OF_MEMORY',
      message: expect.stringContaining('4578 MiB') as string,
    });
    expect(tf.add(1, 2)).toBeAllClose([3]);
  });

  it('names the nearest engine for an unknown one', async () => {
    const error = await failure(() => useEngine('wsam' as 'wasm'));
    expect(error.code).toBe('ENGINE_UNKNOWN');
    expect(error.message).toContain("`engine` is 'wsam'");
    expect(error.message).toContain("Did you mean 'wasm'?");
    vi.stubEnv('MISSING_U_ENGINE', 'bogus');
    expect((await failure(() => useEngine())).message).toContain("`MISSING_U_ENGINE` is 'bogus'");
    vi.unstubAllEnvs();
  });

  it('refuses options that make no sense', async () => {
    expect((await failure(() => useEngine('cpu', { threads: 0 }))).code).toBe('ENGINE_INVALID_OPTION');
    expect((await failure(() => useEngine('cpu', { threads: 1.5 }))).message).toContain('an integer of 1 or more');
    expect((await failure(() => useEngine('cpu', { gpu: 'yes' as unknown as boolean }))).message).toContain(
      'true or false',
    );
  });
});
