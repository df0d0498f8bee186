import type { Arithmetic } from '../arithmetic/arithmetic.ts';
import type { Sample } from '../sample.ts';

/** A diagonal normal distribution: means, and the logarithms of its variances. */
export interface Normal<A> {
  mean: A;
  logVariance: A;
}

/** KL(p ‖ q) of each number, in nats. */
export function normalKl<A extends Sample>(ops: Arithmetic<A>, p: Normal<A>, q: Normal<A>): A {
  const logRatio = ops.combine([1, q.logVariance], [-1, p.logVariance]);
  const ratio = ops.exp(ops.combine([-1, logRatio]));
  const difference = ops.combine([1, p.mean], [-1, q.mean]);
  const distance = ops.multiply(ops.multiply(difference, difference), ops.exp(ops.combine([-1, q.logVariance])));
  return ops.add(ops.combine([0.5, logRatio], [0.5, ratio], [0.5, distance]), -0.5);
}

/**
 * log of the probability that a normal distribution puts on the 8-bit value of each number of x in [-1, 1]: the mass of its
 * bin of width 2/255, the outermost bins reaching to infinity (Ho et al. 2020, equation 13), with the tanh approximation of
 * the distribution function that published bits per dimension were computed with.
 */
export function discretizedLogLikelihood<A extends Sample>(
  ops: Arithmetic<A>,
  x: A,
  { mean, logVariance }: Normal<A>,
): A {
  const precision = ops.exp(ops.combine([-0.5, logVariance]));
  const centred = ops.combine([1, x], [-1, mean]);
  const upper = normalCdf(ops, ops.multiply(precision, ops.add(centred, 1 / 255)));
  const lower = normalCdf(ops, ops.multiply(precision, ops.add(centred, -1 / 255)));
  const safeLog = (probability: A) => ops.log(ops.clip(probability, 1e-12, 1));
  const isLowest = ops.below(x, -0.999);
  const isBelowTop = ops.below(x, 0.999);
  const isTop = ops.add(ops.combine([-1, isBelowTop]), 1);
  const isInner = ops.combine([1, isBelowTop], [-1, isLowest]);
  return ops.combine(
    [1, ops.multiply(isLowest, safeLog(upper))],
    [1, ops.multiply(isTop, safeLog(ops.add(ops.combine([-1, lower]), 1)))],
    [1, ops.multiply(isInner, safeLog(ops.combine([1, upper], [-1, lower])))],
  );
}

/** Page's approximation: Φ(x) ≈ (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2. */
function normalCdf<A extends Sample>(ops: Arithmetic<A>, x: A): A {
  const scale = Math.sqrt(2 / Math.PI);
  const cube = ops.multiply(ops.multiply(x, x), x);
  return ops.add(ops.combine([0.5, ops.tanh(ops.combine([scale, x], [scale * 0.044715, cube]))]), 0.5);
}
