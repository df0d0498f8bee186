import { checkArray, checkCount } from './checks.ts';

/** An unbiased integer in [0, bound): words from the incomplete last block of `bound` are thrown away. */
export function integerBelow(source: { uint32(): number }, bound: number): number {
  checkCount('bound', bound, 1, 2 ** 32);
  const limit = 2 ** 32 - (2 ** 32 % bound);
  for (;;) {
    const word = source.uint32();
    if (word < limit) return word % bound;
  }
}

/** The integers 0 .. length - 1 shuffled by Fisher and Yates from the front; `below(n)` draws from [0, n). */
export function shuffled(length: number, below: (bound: number) => number): Uint32Array {
  checkCount('length', length, 0, 2 ** 32 - 1);
  const order = new Uint32Array(length);
  for (let i = 0; i < length; i++) order[i] = i;
  for (let i = 0; i < length - 1; i++) {
    const j = i + below(length - i);
    const kept = order[i]!;
    order[i] = order[j]!;
    order[j] = kept;
  }
  return order;
}

export function fillWith<T extends Float32Array | Float64Array>(out: T, draw: () => number): T {
  checkArray(out);
  for (let i = 0; i < out.length; i++) out[i] = draw();
  return out;
}
