/** A generator's state as plain JSON: written into checkpoints, and taken up by `restore`. */
export type GeneratorState = { readonly kind: string } & Readonly<
  Record<string, string | number | readonly number[] | null>
>;

/**
 * A stream of random numbers. Randomness is an argument everywhere in this family of packages: nothing draws from a global
 * generator, and the same seed gives the same numbers on every engine and platform.
 */
export interface Generator {
  /** The next 32 random bits as an integer in [0, 2^32). */
  uint32(): number;
  /** A number in [0, 1). */
  uniform(): number;
  /** A number from the standard normal distribution. */
  normal(): number;
  /** An integer in [0, bound), without bias; `bound` in 1 .. 2^32. */
  integer(bound: number): number;
  /** Fills the array with numbers in [0, 1) and returns it. */
  fillUniform<T extends Float32Array | Float64Array>(out: T): T;
  /** Fills the array with standard normal numbers and returns it. */
  fillNormal<T extends Float32Array | Float64Array>(out: T): T;
  /** The integers 0 .. length - 1 in random order. */
  permutation(length: number): Uint32Array;
  /**
   * A generator of an independent stream, named by `key`, any safe integer, that does not move this one: one per sample,
   * epoch or worker.
   */
  fork(key: number): Generator;
  /** Where the stream stands, as JSON. */
  state(): GeneratorState;
  /** Goes on from a state that a generator of the same kind returned. */
  restore(state: GeneratorState): void;
}
