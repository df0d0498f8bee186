import type { Generator } from '@missing-u/random';
import { arithmeticOf } from '../arithmetic/choose.ts';
import type { Arithmetic } from '../arithmetic/arithmetic.ts';
import { refuse } from '../errors.ts';
import { History } from '../history.ts';
import { stepNoise } from '../noise.ts';
import type { Sample } from '../sample.ts';
import type { Denoiser } from './denoisers.ts';

/** What every sampler tells its callback, once per step. The arrays live only until the callback returns. */
export interface SamplerProgress<A extends Sample> {
  /** The sample before the step, at `sigma`. */
  x: A;
  i: number;
  sigma: number;
  /** The level after churn; `sigma` where there is none. */
  sigmaHat: number;
  denoised: A;
}

export interface SamplerOptions<A extends Sample> {
  callback?: (progress: SamplerProgress<A>) => void;
  /** For samplers that add noise: one generator, or one per batch item. */
  generator?: Generator | readonly Generator[];
  /** Inflation of added noise, S_noise. */
  sNoise?: number;
}

/** One step: given the sample, its level and the next one, the sample there. Runs inside a scope. */
export type LevelStep<A extends Sample> = (step: {
  ops: Arithmetic<A>;
  x: A;
  i: number;
  sigma: number;
  next: number;
  /** D(x; σ), and the callback with it. */
  denoise: (x?: A, sigma?: number) => A;
  noise: () => A;
  history: History;
}) => A;

/**
 * Walks down the levels: the one driver of all samplers. The given sample stays the caller's, and so is the result; nothing
 * else is left behind, whether the loop ends or throws.
 */
export function walk<A extends Sample>(
  denoiser: Denoiser<A>,
  start: A,
  sigmas: ArrayLike<number>,
  options: SamplerOptions<A>,
  step: LevelStep<A>,
): A {
  const levels = checkLevels(sigmas);
  const ops = arithmeticOf(start);
  const history = new History();
  let x = start;
  try {
    for (let i = 0; i + 1 < levels.length; i++) {
      const before = x;
      const [sigma, next] = [levels[i]!, levels[i + 1]!];
      const following = ops.scope(() => {
        const denoise = (at: A = before, level: number = sigma) => {
          const denoised = denoiser(at, level);
          options.callback?.({ x: at, i, sigma, sigmaHat: level, denoised });
          return denoised;
        };
        return step({ ops, x: before, i, sigma, next, denoise, noise: () => stepNoise(ops, options), history });
      });
      if (before !== start) ops.release(before);
      x = following;
    }
    return x === start ? ops.combine([1, start]) : x;
  } catch (error) {
    if (x !== start) ops.release(x);
    throw error;
  } finally {
    history.clear();
  }
}

/** Levels that fall, the last of which may be 0. */
function checkLevels(sigmas: ArrayLike<number>): Float64Array {
  const levels = Float64Array.from(sigmas);
  if (levels.length >= 1 && levels.every((sigma, i) => sigma >= 0 && (i === 0 || sigma < levels[i - 1]!)))
    return levels;
  return refuse({ argument: 'sigmas', value: sigmas, allowed: 'a falling list of noise levels of 0 or more' });
}
