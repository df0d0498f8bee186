import type { Arithmetic } from './arithmetic/arithmetic.ts';
import type { Sample } from './sample.ts';

/** What a scheduler keeps from earlier steps, newest first: copies of its own, so that callers may dispose theirs. */
export class History {
  #entries: { value: Sample; release: () => void }[] = [];

  get length(): number {
    return this.#entries.length;
  }

  /** The entry `back` steps ago; 0 is the newest. */
  at<A extends Sample>(back: number): A {
    return this.#entries[back]!.value as A;
  }

  /** Keeps a copy, and lets go of what is older than `length` entries. */
  push<A extends Sample>(ops: Arithmetic<A>, value: A, length: number): void {
    const kept = ops.keep(value);
    this.#entries.unshift({ value: kept, release: () => ops.release(kept) });
    for (const entry of this.#entries.splice(length)) entry.release();
  }

  clear(): void {
    for (const entry of this.#entries.splice(0)) entry.release();
  }
}
