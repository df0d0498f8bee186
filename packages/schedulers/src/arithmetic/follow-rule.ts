import type { NumberArray } from '../sample.ts';

/** original = a sample + b output, held within ±limit, and next = c original + d sample + e output + f noise, from `from` up to `to`. */
export interface RuleOnRange {
  readonly sample: NumberArray;
  readonly output: NumberArray;
  readonly noise: NumberArray;
  readonly original: NumberArray;
  readonly next: NumberArray;
  readonly from: number;
  readonly to: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
  readonly e: number;
  readonly f: number;
  readonly limit: number;
}

/** Fills `original` and `next`. */
export function followRule(range: RuleOnRange): void {
  if (range.limit === Infinity) return withoutLimit(range);
  if (!(range.original instanceof Float32Array) || !withoutBranches(range)) withBranches(range);
}

// Each loop is alone in its function, so that engines compile it as it is.

function withoutLimit({ sample, output, noise, original, next, from, to, a, b, c, d, e, f }: RuleOnRange): void {
  for (let i = from; i < to; i++) {
    const x = sample[i]!;
    const y = output[i]!;
    const value = a * x + b * y;
    original[i] = value;
    next[i] = c * value + d * x + e * y + f * noise[i]!;
  }
}

function withBranches({ sample, output, noise, original, next, from, to, a, b, c, d, e, f, limit }: RuleOnRange): void {
  for (let i = from; i < to; i++) {
    const x = sample[i]!;
    const y = output[i]!;
    const value = Math.max(-limit, Math.min(limit, product(a, x) + product(b, y)));
    original[i] = value;
    next[i] = c * value + product(d, x) + product(e, y) + product(f, noise[i]!);
  }
}

/** What has the coefficient 0 does not count, be it infinite. */
function product(coefficient: number, x: number): number {
  return coefficient === 0 ? 0 : coefficient * x;
}

/**
 * Which side of the limit a value is on is as random as noise, and a processor that guesses wrong loses more time than the
 * arithmetic takes. So v within ±L is taken as (|v + L| - |v - L|) / 2, whose rounding a float32 result does not show unless
 * some v is very large: then this returns false, and the branches have to do it.
 */
function withoutBranches({
  sample,
  output,
  noise,
  original,
  next,
  from,
  to,
  a,
  b,
  c,
  d,
  e,
  f,
  limit,
}: RuleOnRange): boolean {
  let squares = 0;
  for (let i = from; i < to; i++) {
    const x = sample[i]!;
    const y = output[i]!;
    const value = a * x + b * y;
    const kept = 0.5 * (Math.abs(value + limit) - Math.abs(value - limit));
    original[i] = kept;
    next[i] = c * kept + d * x + e * y + f * noise[i]!;
    squares += value * value;
  }
  return squares < 1e16 * limit * limit;
}
