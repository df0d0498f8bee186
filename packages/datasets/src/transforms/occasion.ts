import { createGenerator, type Generator } from '@missing-u/random';

/** What a random transform depends on besides its seed: which example, and in which epoch. */
export interface Occasion {
  readonly epoch: number;
  readonly index: number;
}

/** The numbers of one example in one epoch, whoever computes them and in which order. */
export function generatorFor(seed: number, { epoch, index }: Occasion): Generator {
  return createGenerator(seed).fork(epoch).fork(index);
}
