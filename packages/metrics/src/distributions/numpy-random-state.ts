import { torchGenerator, type Generator } from '@missing-u/random';

/** What draws random orders: any generator of `@missing-u/random`, or {@link numpyRandomState}. */
export type Shuffler = Pick<Generator, 'permutation'>;

/**
 * The orders of NumPy's `RandomState(seed)`: `permutation(n)`, whose first k are its `choice(n, k, replace=False)`.
 * torch-fidelity draws KID's subsets and shuffles for the inception score with seed 2020, so its numbers come out digit by
 * digit. The words are MT19937's, which PyTorch and NumPy seed in the same way.
 *
 * @param seed an integer in 0 .. 2^32 - 1. @throws RandomError `RANDOM_BAD_SEED`
 */
export function numpyRandomState(seed: number): Shuffler {
  const words = torchGenerator(seed);
  /** An integer in 0 .. largest: words cut to its bits, drawn again where they exceed it. */
  const upTo = (largest: number): number => {
    const mask = 2 ** (32 - Math.clz32(largest)) - 1;
    for (;;) {
      const value = (words.uint32() & mask) >>> 0;
      if (value <= largest) return value;
    }
  };
  return {
    permutation: (length) => {
      const order = Uint32Array.from({ length }, (_, i) => i);
      for (let i = length - 1; i > 0; i--) {
        const j = upTo(i);
        [order[i], order[j]] = [order[j]!, order[i]!];
      }
      return order;
    },
  };
}
