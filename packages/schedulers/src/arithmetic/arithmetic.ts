import type { NumberArray, Sample } from '../sample.ts';

/** A factor of a whole sample, or one factor per batch item. */
export type Coefficient = number | Float64Array;

/** One term of a linear combination: `[coefficient, array]`. */
export type Term<A> = readonly [Coefficient, A];

/** Most steps: x0 = originalSample · sample + originalOutput · output, then original · x0 + sample · sample + output · output. */
export interface StepRule<C = Coefficient> {
  readonly originalSample: C;
  readonly originalOutput: C;
  readonly original: C;
  readonly sample: C;
  readonly output: C;
}

/**
 * The little that schedulers ask of a tensor library. Nearly every step is a linear combination whose coefficients are
 * computed in float64; the rest is here for clipping, thresholding and learned variances. Results are new arrays or tensors;
 * arguments are never changed or disposed.
 */
export interface Arithmetic<A extends Sample = Sample> {
  /** Shape of the sample; a plain array without a given shape is one item. */
  readonly shape: readonly number[];
  /** Refuses an argument that is not of the sample's kind and shape. */
  check(argument: string, x: A): void;
  /** Σ coefficient · array over one or more terms. */
  combine(...terms: Term<A>[]): A;
  /** A step by its rule, with x0 held within ±limit and further terms added to the end; arrays are gone through once. */
  follow(rule: StepRule, sample: A, output: A, limit: number, added: readonly Term<A>[]): { original: A; next: A };
  multiply(a: A, b: A): A;
  exp(x: A): A;
  sqrt(x: A): A;
  log(x: A): A;
  tanh(x: A): A;
  /** x + number. */
  add(x: A, number: number): A;
  /** 1 where x is below the number, 0 elsewhere; no gradient. */
  below(x: A, number: number): A;
  /** The mean of each batch item: shape [batch]. */
  itemMeans(x: A): A;
  clip(x: A, low: number, high: number): A;
  /** The two halves of the last axis. */
  split(x: A): [A, A];
  /** An array or tensor of the sample's kind and shape with these numbers. */
  from(values: NumberArray): A;
  /** The numbers in row-major order. On a GPU this waits for the device. */
  values(x: A): ArrayLike<number>;
  /** Runs `compute` and frees what it does not return. */
  scope<T>(compute: () => T): T;
  /** A copy that outlives every scope, to be freed by `release`: a multistep scheduler's history. */
  keep(x: A): A;
  release(x: A): void;
}
