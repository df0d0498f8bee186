import { invalidArgument } from '@missing-u/errors';
import { areWords, checkKey, isSpare, stateEntries } from './checks.ts';
import { RandomError } from './errors.ts';
import { fillWith, integerBelow, shuffled } from './draws.ts';
import type { Generator, GeneratorState } from './generator.ts';
import { mix } from './mix.ts';

/**
 * The default generator: xoshiro128** (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021), period
 * 2^128 - 1, seeded through a 32-bit mixer so that neighbouring seeds, 0 among them, give unrelated streams.
 *
 * @param seed any safe integer; 0 is a seed like every other.
 * @throws RandomError `RANDOM_BAD_SEED`
 */
export function createGenerator(seed: number): Generator {
  if (!Number.isSafeInteger(seed)) {
    const allowed = 'an integer between -(2^53 - 1) and 2^53 - 1';
    throw new RandomError('RANDOM_BAD_SEED', invalidArgument({ argument: 'seed', value: seed, allowed }));
  }
  return new Xoshiro128([seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0]);
}

const KIND = 'xoshiro128**';

class Xoshiro128 implements Generator {
  /** What names this stream: the words of the seed and the keys of the forks that led here. */
  readonly #path: readonly number[];
  readonly #words = new Uint32Array(4);
  /** The second value of the last polar pair, not handed out yet. */
  #spare: number | null = null;

  constructor(path: readonly number[]) {
    this.#path = path;
    let hash = 0x9e3779b9;
    for (const word of path) hash = mix(hash ^ word) + 0x9e3779b9;
    for (let i = 0; i < 4; i++) this.#words[i] = mix((hash += 0x9e3779b9));
    // The all-zero state is the one fixed point of the generator.
    if (this.#words.every((word) => word === 0)) this.#words[0] = 1;
  }

  uint32(): number {
    const s = this.#words;
    const scrambled = Math.imul(rotateLeft(Math.imul(s[1]!, 5), 7), 9) >>> 0;
    const shifted = s[1]! << 9;
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= shifted;
    s[3] = rotateLeft(s[3]!, 11);
    return scrambled;
  }

  uniform(): number {
    return (this.uint32() * 2 ** 21 + (this.uint32() >>> 11)) / 2 ** 53;
  }

  /** Marsaglia's polar method: two values per accepted pair, no sine or cosine, whose last digits differ between platforms. */
  normal(): number {
    if (this.#spare !== null) {
      const spare = this.#spare;
      this.#spare = null;
      return spare;
    }
    for (;;) {
      const x = this.uint32() / 2 ** 31 - 1;
      const y = this.uint32() / 2 ** 31 - 1;
      const square = x * x + y * y;
      if (square >= 1 || square === 0) continue;
      const scale = Math.sqrt((-2 * Math.log(square)) / square);
      this.#spare = y * scale;
      return x * scale;
    }
  }

  integer(bound: number): number {
    return integerBelow(this, bound);
  }

  fillUniform<T extends Float32Array | Float64Array>(out: T): T {
    // 24 bits for float32: a 53-bit number just below 1 would round up to 1.
    const draw = out instanceof Float32Array ? () => (this.uint32() >>> 8) / 2 ** 24 : () => this.uniform();
    return fillWith(out, draw);
  }

  fillNormal<T extends Float32Array | Float64Array>(out: T): T {
    return fillWith(out, () => this.normal());
  }

  permutation(length: number): Uint32Array {
    return shuffled(length, (left) => this.integer(left));
  }

  fork(key: number): Generator {
    checkKey(key);
    // The length is part of the name, so that fork(a).fork(b) and fork(c) never meet.
    return new Xoshiro128([...this.#path, this.#path.length, key >>> 0, Math.floor(key / 2 ** 32) >>> 0]);
  }

  state(): GeneratorState {
    return { kind: KIND, path: [...this.#path], words: [...this.#words], spare: this.#spare };
  }

  restore(state: GeneratorState): void {
    const { kind, path, words, spare } = stateEntries(state);
    const samePath = Array.isArray(path) && path.join() === this.#path.join();
    if (kind !== KIND || !samePath || !areWords(words, 4) || !isSpare(spare)) {
      const allowed = `a state of a ${KIND} generator made with the same seed and forks`;
      throw new RandomError('RANDOM_BAD_STATE', invalidArgument({ argument: 'state', value: state, allowed }));
    }
    this.#words.set(words);
    this.#spare = spare;
  }
}

function rotateLeft(word: number, count: number): number {
  return (word << count) | (word >>> (32 - count));
}
