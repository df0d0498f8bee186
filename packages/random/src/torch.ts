import { invalidArgument } from '@missing-u/errors';
import { areWords, checkArray, checkCount, checkKey, isSpare, stateEntries } from './checks.ts';
import { fillWith, shuffled } from './draws.ts';
import { RandomError } from './errors.ts';
import type { Generator, GeneratorState } from './generator.ts';
import { MersenneTwister, SIZE } from './mersenne-twister.ts';
import { mix } from './mix.ts';

/**
 * The numbers of PyTorch's CPU generator: `torchGenerator(0).fillNormal(new Float32Array(n))` is `torch.randn(n)` after
 * `torch.manual_seed(0)`, so that a published picture can be compared seed for seed. MT19937 words are equal bit for bit,
 * and so are uniforms, integers and permutations; normals agree to 2e-6, because torch's vector code approximates log, sin
 * and cos.
 *
 * @param seed an integer of 0 or more; like torch, only its low 32 bits count.
 * @throws RandomError `RANDOM_BAD_SEED`
 */
export function torchGenerator(seed: number): Generator {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    const allowed = 'an integer from 0 to 2^53 - 1';
    throw new RandomError('RANDOM_BAD_SEED', invalidArgument({ argument: 'seed', value: seed, allowed }));
  }
  return new TorchGenerator(seed);
}

const KIND = 'torch-cpu-mt19937';

class TorchGenerator implements Generator {
  readonly #seed: number;
  readonly #words: MersenneTwister;
  /** The sine half of the last scalar Box-Muller pair. */
  #spare: number | null = null;

  constructor(seed: number) {
    this.#seed = seed;
    this.#words = new MersenneTwister(seed >>> 0);
  }

  uint32(): number {
    return this.#words.next();
  }

  /** 53 bits, as `torch.rand(..., dtype=torch.float64)`: the high word first. */
  uniform(): number {
    const high = this.uint32() & 0x1fffff;
    return (high * 2 ** 32 + this.uint32()) / 2 ** 53;
  }

  /** As torch draws fewer than 16 normals: Box-Muller on doubles, cosine first. */
  normal(): number {
    if (this.#spare !== null) {
      const spare = this.#spare;
      this.#spare = null;
      return spare;
    }
    const angle = 2 * Math.PI * this.uniform();
    const radius = Math.sqrt(-2 * Math.log1p(-this.uniform()));
    this.#spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  /** As `torch.randint`: a remainder, with its (tiny) bias, of one word or, for wide ranges, of two. */
  integer(bound: number): number {
    checkCount('bound', bound, 1, 2 ** 32);
    return this.#remainder(bound, bound >= 2 ** 28);
  }

  /** Of 64 bits where `wide`: the high word first. */
  #remainder(bound: number, wide: boolean): number {
    const word = this.uint32();
    return wide ? Number(((BigInt(word) << 32n) | BigInt(this.uint32())) % BigInt(bound)) : word % bound;
  }

  fillUniform<T extends Float32Array | Float64Array>(out: T): T {
    const draw = out instanceof Float32Array ? () => (this.uint32() & 0xffffff) / 2 ** 24 : () => this.uniform();
    return fillWith(out, draw);
  }

  /** As `torch.randn(n)`: below 16 numbers one by one; from 16 on in blocks of 16, the last block redrawn if incomplete. */
  fillNormal<T extends Float32Array | Float64Array>(out: T): T {
    checkArray(out);
    if (out.length < 16) return fillWith(out, () => this.normal());
    this.fillUniform(out);
    for (let start = 0; start + 16 <= out.length; start += 16) boxMullerBlock(out, start);
    if (out.length % 16 !== 0) {
      const last = out.length - 16;
      this.fillUniform(out.subarray(last) as T);
      boxMullerBlock(out, last);
    }
    return out;
  }

  /** As `torch.randperm`, whose words widen at another length than those of `torch.randint`. */
  permutation(length: number): Uint32Array {
    return shuffled(length, (left) => this.#remainder(left, length > 2 ** 32 / 20));
  }

  /** A stream of its own: torch has no such thing, so the forked seed is ours. */
  fork(key: number): Generator {
    checkKey(key);
    const name = Math.imul(key + 1, 0x85ebca6b) ^ mix(Math.floor(key / 2 ** 32));
    return new TorchGenerator((Math.imul(this.#seed ^ 0x5bd1e995, 0x9e3779b1) ^ name) >>> 0);
  }

  state(): GeneratorState {
    return { kind: KIND, seed: this.#seed, ...this.#words.state(), spare: this.#spare };
  }

  restore(state: GeneratorState): void {
    const { kind, seed, words, position, spare } = stateEntries(state);
    if (kind !== KIND || seed !== this.#seed || !areWords(words, SIZE) || !isPosition(position) || !isSpare(spare)) {
      const allowed = `a state of a ${KIND} generator made with seed ${this.#seed}`;
      throw new RandomError('RANDOM_BAD_STATE', invalidArgument({ argument: 'state', value: state, allowed }));
    }
    this.#words.restore({ words, position });
    this.#spare = spare;
  }
}

function isPosition(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= SIZE;
}

/** Sixteen uniforms to sixteen normals in place: u[j] gives the radius, u[j + 8] the angle, for j = 0 .. 7. */
function boxMullerBlock(block: Float32Array | Float64Array, start: number): void {
  for (let j = start; j < start + 8; j++) {
    const radius = Math.sqrt(-2 * Math.log(1 - block[j]!));
    const angle = 2 * Math.PI * block[j + 8]!;
    block[j] = radius * Math.cos(angle);
    block[j + 8] = radius * Math.sin(angle);
  }
}
