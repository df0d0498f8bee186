import { ancestralLevels } from './ancestral.ts';
import type { Denoiser } from './denoisers.ts';
import { walk, type LevelStep, type SamplerOptions } from './loop.ts';
import type { Sample } from '../sample.ts';

/** Churn: at levels from sTmin to sTmax the sample is noised a little before each step (Karras et al. 2022, algorithm 2). */
export interface ChurnSamplerOptions<A extends Sample> extends SamplerOptions<A> {
  sChurn?: number;
  sTmin?: number;
  sTmax?: number;
}

/**
 * The sample and its level after churn. Where there is churn at all, noise is drawn at every level, so that a seed means the
 * noise of k-diffusion.
 */
export function churned<A extends Sample>(
  { ops, x, sigma, noise }: Pick<Parameters<LevelStep<A>>[0], 'ops' | 'x' | 'sigma' | 'noise'>,
  levels: number,
  { sChurn = 0, sTmin = 0, sTmax = Infinity, sNoise = 1 }: ChurnSamplerOptions<A>,
): { noisy: A; hat: number } {
  if (sChurn === 0) return { noisy: x, hat: sigma };
  const drawn = noise();
  const gamma = sigma >= sTmin && sigma <= sTmax ? Math.min(sChurn / (levels - 1), Math.SQRT2 - 1) : 0;
  if (gamma === 0) return { noisy: x, hat: sigma };
  const hat = sigma * (gamma + 1);
  return { noisy: ops.combine([1, x], [sNoise * Math.sqrt(hat ** 2 - sigma ** 2), drawn]), hat };
}

/** Euler's method (Karras et al. 2022, algorithm 2, first half). */
export function sampleEuler<A extends Sample>(
  denoiser: Denoiser<A>,
  x: A,
  sigmas: ArrayLike<number>,
  options: ChurnSamplerOptions<A> = {},
): A {
  return walk(denoiser, x, sigmas, options, (step) => {
    const { ops, next, denoise } = step;
    const { noisy, hat } = churned(step, sigmas.length, options);
    return ops.combine([next / hat, noisy], [1 - next / hat, denoise(noisy, hat)]);
  });
}

/** Euler's method down to σ_down, then noise of σ_up. */
export function sampleEulerAncestral<A extends Sample>(
  denoiser: Denoiser<A>,
  x: A,
  sigmas: ArrayLike<number>,
  options: SamplerOptions<A> & { eta?: number } = {},
): A {
  const { eta = 1, sNoise = 1 } = options;
  return walk(denoiser, x, sigmas, options, ({ ops, x: at, sigma, next, denoise, noise }) => {
    const { down, up } = ancestralLevels(sigma, next, eta);
    const mean = ops.combine([down / sigma, at], [1 - down / sigma, denoise()]);
    return up > 0 ? ops.combine([1, mean], [up * sNoise, noise()]) : mean;
  });
}
