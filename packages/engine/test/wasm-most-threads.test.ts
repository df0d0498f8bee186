import { expect, it } from 'vitest';
import { useEngine } from '../src/index.ts';

it('wasm starts as many threads as it has room for, says so, and takes the same request again', async () => {
  for (let call = 0; call < 2; call++) {
    const engine = await useEngine('wasm', { threads: 12, log: () => undefined });
    expect(engine.device).toContain('8 threads');
    expect(engine.notes).toEqual([expect.stringContaining('8 threads, not for the 12')]);
  }
  expect((await useEngine('wasm', { threads: 8 })).notes).toEqual([]);
  await expect(useEngine('wasm', { threads: 7 })).rejects.toMatchObject({ code: 'ENGINE_ALREADY_STARTED' });
});
