/** Words of a state. */
export const SIZE = 624;
const SHIFT = 397;

/** MT19937 (Matsumoto and Nishimura, 1998), seeded by `init_genrand`, as PyTorch's CPU generator is. */
export class MersenneTwister {
  readonly #words = new Uint32Array(SIZE);
  #position = SIZE;

  constructor(seed: number) {
    const words = this.#words;
    words[0] = seed;
    for (let i = 1; i < SIZE; i++) {
      const last = words[i - 1]!;
      words[i] = Math.imul(last ^ (last >>> 30), 1812433253) + i;
    }
  }

  next(): number {
    if (this.#position === SIZE) this.#twist();
    let word = this.#words[this.#position++]!;
    word ^= word >>> 11;
    word ^= (word << 7) & 0x9d2c5680;
    word ^= (word << 15) & 0xefc60000;
    return (word ^ (word >>> 18)) >>> 0;
  }

  state(): { words: number[]; position: number } {
    return { words: [...this.#words], position: this.#position };
  }

  restore(state: { words: readonly number[]; position: number }): void {
    this.#words.set(state.words);
    this.#position = state.position;
  }

  #twist(): void {
    const words = this.#words;
    for (let i = 0; i < SIZE; i++) {
      const joined = (words[i]! & 0x80000000) | (words[(i + 1) % SIZE]! & 0x7fffffff);
      words[i] = words[(i + SHIFT) % SIZE]! ^ (joined >>> 1) ^ ((joined & 1) * 0x9908b0df);
    }
    this.#position = 0;
  }
}
