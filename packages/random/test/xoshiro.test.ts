import { describe, expect, it } from 'vitest';
import { createGenerator } from '../src/index.ts';

describe('createGenerator', () => {
  it('repeats for the same seed, and differs for others, 0 and negative ones among them', () => {
    const first = (seed: number) => createGenerator(seed).uint32();
    const seeds = [0, 1, 2, -1, 2 ** 32, 2 ** 40 + 1];
    expect(seeds.map(first)).toEqual(seeds.map(first));
    expect(new Set(seeds.map(first)).size).toBe(seeds.length);
  });

  it('draws normals with the moments and tails of the normal distribution', () => {
    const n = 200_000;
    const values = createGenerator(0).fillNormal(new Float64Array(n));
    const moment = (k: number) => values.reduce((sum, x) => sum + x ** k, 0) / n;
    // Standard errors: sqrt(Var(x^k) / n), with Var = 1, 2, 15, 96 for k = 1 .. 4; five of them.
    expect(moment(1)).toBeAllClose(0, { atol: 5 * Math.sqrt(1 / n) });
    expect(moment(2)).toBeAllClose(1, { atol: 5 * Math.sqrt(2 / n) });
    expect(moment(3)).toBeAllClose(0, { atol: 5 * Math.sqrt(15 / n) });
    expect(moment(4)).toBeAllClose(3, { atol: 5 * Math.sqrt(96 / n) });
    const beyond2 = values.filter((x) => Math.abs(x) > 2).length / n;
    expect(beyond2).toBeAllClose(0.0455003, { atol: 5 * Math.sqrt(0.0455 / n) });
  });

  it('draws uniforms below 1 that fill the ten bins evenly, in both precisions', () => {
    for (const out of [new Float32Array(100_000), new Float64Array(100_000)]) {
      const bins = new Array<number>(10).fill(0);
      for (const u of createGenerator(7).fillUniform(out)) bins[Math.floor(u * 10)]! += 1;
      const chiSquare = bins.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
      expect(chiSquare).toBeLessThan(27.9); // 99.9 % quantile at 9 degrees of freedom
    }
  });

  it('draws integers without bias and permutations that hold every index once', () => {
    const generator = createGenerator(5);
    const counts = [0, 0, 0];
    for (let i = 0; i < 30_000; i++) counts[generator.integer(3)]! += 1;
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(5 * Math.sqrt(30_000 * (2 / 9)));
    expect([...generator.permutation(100)].sort((a, b) => a - b)).toEqual([...Array(100).keys()]);
    expect(generator.permutation(0)).toHaveLength(0);
  });

  it('forks into independent streams without moving', () => {
    const root = createGenerator(1);
    const before = root.state();
    const words = [root.fork(0), root.fork(1), root.fork(0).fork(0), createGenerator(0)].map((g) => g.uint32());
    expect(new Set(words).size).toBe(4);
    expect(root.fork(1).uint32()).toBe(words[1]);
    expect(root.state()).toEqual(before);
  });

  it('goes on from a saved state, in the middle of a pair too', () => {
    const generator = createGenerator(9).fork(2);
    generator.normal();
    const saved = JSON.parse(JSON.stringify(generator.state())) as ReturnType<typeof generator.state>;
    const expected = [generator.normal(), generator.uniform(), generator.normal()];
    const resumed = createGenerator(9).fork(2);
    resumed.restore(saved);
    expect([resumed.normal(), resumed.uniform(), resumed.normal()]).toEqual(expected);
  });

  it('refuses bad seeds, bounds, lengths and states of other streams', () => {
    for (const seed of [0.5, NaN, Infinity]) {
      expect(() => createGenerator(seed)).toThrow(expect.objectContaining({ code: 'RANDOM_BAD_SEED' }));
    }
    const generator = createGenerator(0);
    expect(() => generator.integer(0)).toThrow(expect.objectContaining({ code: 'RANDOM_BAD_COUNT' }));
    expect(() => generator.permutation(-1)).toThrow(/`length` is -1/);
    expect(() => generator.restore(createGenerator(1).state())).toThrow(
      expect.objectContaining({ code: 'RANDOM_BAD_STATE' }),
    );
  });

  it('refuses damaged states, with which it would stand still', () => {
    const state = createGenerator(0).state();
    const words = state['words'] as number[];
    const damaged: unknown[] = [
      null,
      'state',
      { ...state, words: words.map(() => 0) },
      { ...state, words: words.map(String) },
      { ...state, words: [-1, ...words.slice(1)] },
      { ...state, words: words.slice(1) },
      { ...state, spare: NaN },
      { ...state, spare: '1' },
    ];
    for (const bad of damaged) {
      const code = expect.objectContaining({ code: 'RANDOM_BAD_STATE' });
      expect(() => createGenerator(0).restore(bad as typeof state), JSON.stringify(bad)).toThrow(code);
    }
  });
});
