import { describe, expect, it } from 'vitest';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeNpz, type StateDict } from '@missing-u/weights';
import { encodeMoments, loadMoments, saveMoments } from '../src/index.ts';

const fixture = (name: string) => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
const expected = { mu: Float64Array.of(1, 2), sigma: Float64Array.of(2, 0.5, 0.5, 3) };

describe('statistics files', () => {
  // np.savez, np.savez_compressed and a float32 column-major matrix: tools/reference/metrics/moments.py.
  it.each(['stored.npz', 'compressed.npz', 'fortran-float32.npz'])('are read as NumPy wrote them: %s', async (name) => {
    expect(await loadMoments(fixture(name))).toEqual(expected);
  });

  it('are read as they were written, with the count', async () => {
    expect(await loadMoments(await encodeMoments(expected))).toEqual(expected);
    const folder = await mkdtemp(join(tmpdir(), 'moments-'));
    try {
      await saveMoments({ ...expected, count: 7 }, join(folder, 'a.npz'));
      expect(await loadMoments(join(folder, 'a.npz'))).toEqual({ ...expected, count: 7 });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('say what is missing', async () => {
    const vector = { dtype: 'float64' as const, shape: [2], data: Float64Array.of(1, 2) };
    const bad = async (dict: StateDict) => loadMoments(await encodeNpz(dict)).catch((error: unknown) => error);
    const code = 'METRIC_BAD_FILE';
    expect(await bad({ mean: vector })).toMatchObject({ code, message: expect.stringMatching(/`mu` and `sigma`/) });
    expect(await bad({ mu: vector, sigma: vector })).toMatchObject({ code, message: expect.stringMatching(/\[2\]/) });
  });
});
