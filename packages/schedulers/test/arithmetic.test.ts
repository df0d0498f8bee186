import { describe, expect, it } from 'vitest';
import { arithmeticOf, createGenerator } from '../src/index.ts';

const RULE = { originalSample: 1.5, originalOutput: -0.7, original: 0.6, sample: 0.1, output: 0.3 };

describe('a step by its rule', () => {
  it('is the combination of clipped combinations that it says', () => {
    const [x, y, noise] = [1, 2, 3].map((seed) => createGenerator(seed).fillNormal(new Float64Array(999)));
    const ops = arithmeticOf(x!);
    const { original, next } = ops.follow(RULE, x!, y!, 1, [[0.2, noise!]]);
    const estimate = ops.clip(ops.combine([1.5, x!], [-0.7, y!]), -1, 1);
    expect(original).toEqual(estimate);
    expect(next).toBeAllClose(ops.combine([0.6, estimate], [0.1, x!], [0.3, y!], [0.2, noise!]), { rtol: 1e-14 });
    const free = ops.follow(RULE, x!, y!, Infinity, []).original;
    expect(free).toEqual(ops.combine([1.5, x!], [-0.7, y!]));
  });

  it('clips float32 numbers of every size as float64 ones', () => {
    const x = Float32Array.of(0, 1e-30, -1e-9, 0.3, -0.66666, 0.6667, 2, -1e3, 1e9, 1e20, Infinity, -Infinity, NaN);
    const y = new Float32Array(x.length);
    for (const values of [x, x.slice(0, 8)]) {
      const ops = arithmeticOf(values);
      const { original, next } = ops.follow(
        { ...RULE, sample: 0, output: 0 },
        values,
        y.slice(0, values.length),
        1,
        [],
      );
      const exact = values.map((one) => Math.max(-1, Math.min(1, 1.5 * one)));
      expect(original).toBeAllClose(exact, { rtol: 1e-7, atol: 1e-16 });
      expect(next).toBeAllClose(
        exact.map((one) => 0.6 * one),
        { rtol: 2e-7, atol: 1e-16 },
      );
    }
  });

  it('takes coefficients by item, and refuses arrays of another length', () => {
    const [x, y] = [Float32Array.of(1, 2, 3, 4), Float32Array.of(4, 3, 2, 1)];
    const ops = arithmeticOf(x, [2, 2]);
    const rule = { ...RULE, originalSample: Float64Array.of(0.1, 0.2), originalOutput: Float64Array.of(0, 1) };
    const { original } = ops.follow(rule, x, y, 3, []);
    expect(original).toBeAllClose([0.1, 0.2, 2.6, 1.8], { atol: 1e-6 });
    expect(() => ops.follow(RULE, x, new Float32Array(3), 1, [])).toThrow(/modelOutput.*4 numbers/);
    expect(() => ops.follow(RULE, x, y, 1, [[1, new Float32Array(5)]])).toThrow(/noise.*4 numbers/);
  });
});
