import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeNpz, loadNpz, saveNpz, type StateDict } from '../src/index.ts';
import golden from './fixtures/torch.json' with { type: 'json' };

const bytes = (text: string) => Uint8Array.from(Buffer.from(text, 'base64'));

describe('npz', () => {
  it.each(['npz', 'npzCompressed'] as const)(
    'reads what NumPy wrote (%s): Fortran order, big-endian, half',
    async (kind) => {
      const dict = await loadNpz(bytes(golden[kind]));
      const plain = Object.entries(dict).map(([name, { shape, data }]) => [
        name,
        { shape, data: Array.from(data, Number) },
      ]);
      expect(Object.fromEntries(plain)).toEqual(golden.npzValues);
    },
  );

  const dict: StateDict = {
    mu: { dtype: 'float64', shape: [3], data: Float64Array.of(1, 2, 3) },
    half: { dtype: 'float16', shape: [1, 2], data: Float32Array.of(0.5, -2) },
    step: { dtype: 'int64', shape: [], data: BigInt64Array.of(-7n) },
    none: { dtype: 'float32', shape: [0], data: new Float32Array(0) },
  };

  it.each([false, true])('reads what it wrote (compress: %s)', async (compress) => {
    expect(await loadNpz(await encodeNpz(dict, { compress }))).toEqual(dict);
    const folder = await mkdtemp(join(tmpdir(), 'npz-'));
    await saveNpz(dict, join(folder, 'x.npz'), { compress });
    expect(await loadNpz(join(folder, 'x.npz'))).toEqual(dict);
    await rm(folder, { recursive: true });
  });

  it('refuses objects, damage and dtypes that NumPy lacks', async () => {
    await expect(loadNpz(bytes(golden.npzObjects))).rejects.toThrow(/Python objects/);
    await expect(loadNpz(bytes(golden.zip))).rejects.toThrow(/no npz file/);
    await expect(loadNpz(new Uint8Array(50))).rejects.toMatchObject({ code: 'WEIGHTS_BAD_ZIP' });
    const brain: StateDict = { a: { dtype: 'bfloat16', shape: [1], data: new Float32Array(1) } };
    await expect(encodeNpz(brain)).rejects.toThrow(/NumPy has no bfloat16/);
  });
});
