import { ancestralLevels } from './ancestral.ts';
import type { Denoiser } from './denoisers.ts';
import { walk, type SamplerOptions } from './loop.ts';
import type { Sample } from '../sample.ts';

/** Churn: at levels from sTmin to sTmax the sample is noised a little before each step (Karras et al. 2022, algorithm 2). */
export interface ChurnSamplerOptions<A extends Sample> extends SamplerOptions<A> {
  sChurn?: number;
  sTmin?: number;
  sTmax?: number;
}

/** How far churn raises a level. */
export function churn(sigma: number, levels: number, options: ChurnSamplerOptions<Sample>): number {
  const { sChurn = 0, sTmin = 0, sTmax = Infinity } = options;
  const gamma = sigma >= sTmin && sigma <= sTmax ? Math.min(sChurn / (levels - 1), Math.SQRT2 - 1) : 0;
  return sigma * (gamma + 1);
}

/** Euler's method (Karras et al. 2022, algorithm 2, first half). */
export function sampleEuler<A extends Sample>(
  denoiser: Denoiser<A>,
  x: A,
  sigmas: ArrayLike<number>,
  options: ChurnSamplerOptions<A> = {},
): A {
  return walk(denoiser, x, sigmas, options, ({ ops, x: at, sigma, next, denoise, noise }) => {
    const hat = churn(sigma, sigmas.length, options as ChurnSamplerOptions<Sample>);
    const added = (options.sNoise ?? 1) * Math.sqrt(hat ** 2 - sigma ** 2);
    const noisy = added > 0 ? ops.combine([1, at], [added, noise()]) : at;
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
