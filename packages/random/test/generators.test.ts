import { describe, expect, it } from 'vitest';
import { createGenerator, torchGenerator } from '../src/index.ts';

describe.each([
  ['createGenerator', createGenerator],
  ['torchGenerator', torchGenerator],
])('%s', (_, create) => {
  it('forks by every bit of a key, negative ones among them', () => {
    const keys = [0, 1, 2, -1, -2, 2 ** 32, 2 ** 32 + 1, -(2 ** 32), 2 ** 53 - 1];
    const words = keys.map((key) => create(5).fork(key).uint32());
    expect(new Set(words).size).toBe(keys.length);
  });

  it.each([undefined, NaN, 1.5, 'a', null, 2 ** 53])('refuses to fork by %s', (key) => {
    const code = expect.objectContaining({ code: 'RANDOM_BAD_SEED' });
    expect(() => create(5).fork(key as number)).toThrow(code);
  });

  it('refuses arrays that cannot hold what it draws', () => {
    const code = expect.objectContaining({ code: 'RANDOM_BAD_ARRAY' });
    for (const out of [new Int32Array(3), new Uint8Array(20), [0, 0, 0], undefined] as unknown as Float32Array[]) {
      expect(() => create(5).fillNormal(out)).toThrow(code);
      expect(() => create(5).fillUniform(out)).toThrow(code);
    }
  });
});
