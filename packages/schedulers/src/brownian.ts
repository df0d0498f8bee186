import type { Arithmetic } from './arithmetic/arithmetic.ts';
import type { Sample } from './sample.ts';

/**
 * Unit noise over [σ, σ''] of the Brownian motion in σ whose unit noise over [σ, σ'] is `first`; `second` is that over
 * [σ', σ''], independent of it. Two-stage SDE solvers see one path this way, as with a Brownian tree.
 */
export function wholeIncrement<A extends Sample>(
  ops: Arithmetic<A>,
  [from, middle, to]: readonly [number, number, number],
  first: A,
  second: A,
): A {
  const share = (from - middle) / (from - to);
  return ops.combine([Math.sqrt(share), first], [Math.sqrt(1 - share), second]);
}
