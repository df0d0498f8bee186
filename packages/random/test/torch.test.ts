import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { torchGenerator } from '../src/index.ts';

interface Draw {
  kind: 'normal' | 'normal64' | 'uniform' | 'uniform64' | 'integer' | 'permutation';
  bound?: number;
  values: number[];
}
// Made by tools/reference/random/torch_numbers.py.
const golden = JSON.parse(readFileSync(new URL('fixtures/torch.json', import.meta.url), 'utf8')) as {
  cases: { seed: number; draws: Draw[] }[];
};

describe('torchGenerator', () => {
  it.each(golden.cases)('gives the numbers of torch for seed $seed, call after call', ({ seed, draws }) => {
    const generator = torchGenerator(seed);
    for (const { kind, bound, values } of draws) {
      const n = values.length;
      switch (kind) {
        case 'normal':
          expect(generator.fillNormal(new Float32Array(n))).toBeAllClose(values, { rtol: 0, atol: 2e-6 });
          break;
        case 'normal64':
          expect(generator.fillNormal(new Float64Array(n))).toBeAllClose(values, { rtol: 1e-12, atol: 1e-12 });
          break;
        case 'uniform':
          expect([...generator.fillUniform(new Float32Array(n))]).toEqual(values);
          break;
        case 'uniform64':
          expect([...generator.fillUniform(new Float64Array(n))]).toEqual(values);
          break;
        case 'integer':
          expect(values.map(() => generator.integer(bound!))).toEqual(values);
          break;
        case 'permutation':
          expect([...generator.permutation(n)]).toEqual(values);
      }
    }
  });

  it('goes on from a saved state', () => {
    const generator = torchGenerator(3);
    generator.normal();
    const saved = JSON.parse(JSON.stringify(generator.state())) as ReturnType<typeof generator.state>;
    const expected = [...generator.fillNormal(new Float32Array(21)), generator.normal()];
    const resumed = torchGenerator(3);
    resumed.restore(saved);
    expect([...resumed.fillNormal(new Float32Array(21)), resumed.normal()]).toEqual(expected);
  });

  it('refuses damaged states, with which it would stand still', () => {
    const state = torchGenerator(0).state();
    const words = state['words'] as number[];
    const damaged: unknown[] = [
      null,
      { ...state, words: words.map(() => 0) },
      { ...state, words: words.map(String) },
      { ...state, position: 1e9 },
      { ...state, position: -3.5 },
      { ...state, position: 625 },
      { ...state, spare: NaN },
    ];
    for (const bad of damaged) {
      const code = expect.objectContaining({ code: 'RANDOM_BAD_STATE' });
      expect(() => torchGenerator(0).restore(bad as typeof state)).toThrow(code);
    }
  });

  it('refuses bad seeds, bounds and states', () => {
    expect(() => torchGenerator(-1)).toThrow(expect.objectContaining({ code: 'RANDOM_BAD_SEED' }));
    expect(() => torchGenerator(0).integer(0)).toThrow(expect.objectContaining({ code: 'RANDOM_BAD_COUNT' }));
    expect(() => torchGenerator(0).restore({ kind: 'other' })).toThrow(
      expect.objectContaining({ code: 'RANDOM_BAD_STATE' }),
    );
  });
});
