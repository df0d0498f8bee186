import type { Generator } from '@missing-u/random';
import { refuse } from '../errors.ts';

/** Timesteps or noise levels for a training batch, and the weights that keep the loss's expectation. */
export interface TrainingDraw {
  values: Float64Array;
  weights: Float64Array;
}

/** Every timestep 0 .. count - 1 equally often. */
export function uniformTimesteps(generator: Generator, batch: number, count: number): TrainingDraw {
  const values = Float64Array.from({ length: batch }, () => generator.integer(count));
  return { values, weights: new Float64Array(batch).fill(1) };
}

/** The largest number below 1. */
const BELOW_ONE = 1 - Number.EPSILON / 2;

/** One draw per equal part of [0, 1), in random order: less variance than independent draws (k-diffusion's `stratified`). */
export function stratifiedUniform(generator: Generator, batch: number): Float64Array {
  const order = generator.permutation(batch);
  // The sum may round up to the next part.
  return Float64Array.from(order, (stratum) => Math.min((stratum + generator.uniform()) / batch, BELOW_ONE));
}

/** Stratified timesteps 0 .. count - 1. */
export function stratifiedTimesteps(generator: Generator, batch: number, count: number): TrainingDraw {
  const values = stratifiedUniform(generator, batch).map((u) => Math.floor(u * count));
  return { values, weights: new Float64Array(batch).fill(1) };
}

/** Noise levels with normal log σ (Karras et al. 2022, table 1: mean -1.2, deviation 1.2). */
export function logNormalSigmas(generator: Generator, batch: number, mean = -1.2, deviation = 1.2): TrainingDraw {
  const values = Float64Array.from({ length: batch }, () => Math.exp(mean + deviation * generator.normal()));
  return { values, weights: new Float64Array(batch).fill(1) };
}

/**
 * Importance sampling by the root mean square of recent losses (Nichol and Dhariwal 2021, section 3.3): once every timestep
 * has been seen `historyPerTerm` times, timesteps are drawn in proportion, and losses weighted back.
 */
export class LossSecondMomentSampler {
  readonly #losses: Float64Array[];
  readonly #seen: Uint32Array;

  constructor(
    readonly count: number,
    readonly historyPerTerm = 10,
    /** The share of draws that stays uniform. */
    readonly uniformShare = 0.001,
  ) {
    if (!(Number.isInteger(count) && count >= 1)) {
      refuse({ argument: 'count', value: count, allowed: 'an integer of 1 or more' });
    }
    this.#losses = Array.from({ length: count }, () => new Float64Array(historyPerTerm));
    this.#seen = new Uint32Array(count);
  }

  /** The probability of each timestep; uniform until all histories are full. */
  probabilities(): Float64Array {
    const { count, historyPerTerm, uniformShare } = this;
    if (this.#seen.some((seen) => seen < historyPerTerm)) return new Float64Array(count).fill(1 / count);
    const roots = Float64Array.from(this.#losses, (losses) =>
      Math.sqrt(losses.reduce((sum, loss) => sum + loss ** 2, 0) / historyPerTerm),
    );
    const total = roots.reduce((sum, root) => sum + root, 0);
    return roots.map((root) => (root / total) * (1 - uniformShare) + uniformShare / count);
  }

  draw(generator: Generator, batch: number): TrainingDraw {
    const probabilities = this.probabilities();
    const values = Float64Array.from({ length: batch }, () => {
      let left = generator.uniform();
      const drawn = probabilities.findIndex((probability) => (left -= probability) < 0);
      return drawn === -1 ? this.count - 1 : drawn;
    });
    return { values, weights: values.map((t) => 1 / (this.count * probabilities[t]!)) };
  }

  /** What has been noted, as JSON, for checkpoints. */
  state(): { losses: number[][]; seen: number[] } {
    return { losses: this.#losses.map((losses) => [...losses]), seen: [...this.#seen] };
  }

  /** Goes on from a state of a sampler of the same size. */
  restore({ losses, seen }: { losses: readonly (readonly number[])[]; seen: readonly number[] }): void {
    if (losses.length !== this.count || losses.some(({ length }) => length !== this.historyPerTerm)) {
      const value = `${losses.length} histories of ${losses[0]?.length} losses`;
      refuse({ argument: 'state', value, allowed: `${this.count} histories of ${this.historyPerTerm} losses` });
    }
    losses.forEach((history, t) => this.#losses[t]!.set(history));
    this.#seen.set(seen);
  }

  /** Takes note of unweighted losses at their timesteps. */
  update(timesteps: ArrayLike<number>, losses: ArrayLike<number>): void {
    for (let i = 0; i < timesteps.length; i++) {
      const t = timesteps[i]!;
      this.#losses[t]![this.#seen[t]! % this.historyPerTerm] = losses[i]!;
      this.#seen[t]!++;
    }
  }
}
