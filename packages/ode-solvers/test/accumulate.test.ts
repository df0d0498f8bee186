import { describe, expect, it } from 'vitest';
import { accumulate } from '../src/float64/accumulate.ts';

// Each number of entries and of terms takes a way of its own.
describe.each([0, 1, 2, 3, 4, 5, 9])('a sum of vectors of %i numbers', (size) => {
  const vector = (i: number) => Float64Array.from({ length: size }, (_, j) => Math.sin(1 + i + 7 * j));

  it.each([0, 1, 2, 3, 4, 5, 6, 7])('with %i terms', (count) => {
    const picks = Array.from({ length: count }, (_, j) => (3 * j + 1) % 10);
    const weights = picks.map((_, j) => Math.cos(j));
    const terms = Array.from({ length: 10 }, (_, i) => vector(i));
    const expected = vector(50).map((value, i) =>
      picks.reduce((sum, pick, j) => sum + 0.3 * weights[j]! * terms[pick]![i]!, value),
    );
    const sum = new Float64Array(size);
    accumulate(sum, vector(50), 0.3, weights, terms, picks);
    expect(sum).toBeAllClose(expected, { rtol: 1e-13, atol: 1e-14 });
    const own = vector(50);
    accumulate(own, own, 0.3, weights, terms, picks);
    expect(own).toEqual(sum);
  });
});
