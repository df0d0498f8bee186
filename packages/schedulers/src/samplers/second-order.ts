import { wholeIncrement } from '../brownian.ts';
import { ancestralLevels } from './ancestral.ts';
import type { Denoiser } from './denoisers.ts';
import { churned, type ChurnSamplerOptions } from './euler.ts';
import { walk, type SamplerOptions } from './loop.ts';
import type { Sample } from '../sample.ts';

/** Heun's method (Karras et al. 2022, algorithm 2): two denoiser calls per level, one at the last. */
export function sampleHeun<A extends Sample>(
  denoiser: Denoiser<A>,
  x: A,
  sigmas: ArrayLike<number>,
  options: ChurnSamplerOptions<A> = {},
): A {
  return walk(denoiser, x, sigmas, options, (step) => {
    const { ops, next, denoise } = step;
    const { noisy, hat } = churned(step, sigmas.length, options);
    const denoised = denoise(noisy, hat);
    const euler = ops.combine([next / hat, noisy], [1 - next / hat, denoised]);
    if (next === 0) return euler;
    const half = (next - hat) / 2;
    const second = denoiser(euler, next);
    // x + half (d + d'), d = (x - D)/σ̂ and d' = (x' - D')/σ'
    return ops.combine([1 + half / hat, noisy], [-half / hat, denoised], [half / next, euler], [-half / next, second]);
  });
}

/** DPM-Solver-2 with its midpoint in log σ (Karras et al. 2022, algorithm 2 with the midpoint of k-diffusion's `sample_dpm_2`). */
export function sampleDpm2<A extends Sample>(
  denoiser: Denoiser<A>,
  x: A,
  sigmas: ArrayLike<number>,
  options: ChurnSamplerOptions<A> = {},
): A {
  return walk(denoiser, x, sigmas, options, (step) => {
    const { ops, next, denoise } = step;
    const { noisy, hat } = churned(step, sigmas.length, options);
    const denoised = denoise(noisy, hat);
    if (next === 0) return ops.combine([1, denoised]);
    const middle = Math.sqrt(hat * next);
    const between = ops.combine([middle / hat, noisy], [1 - middle / hat, denoised]);
    const slope = (next - hat) / middle;
    return ops.combine([1, noisy], [slope, between], [-slope, denoiser(between, middle)]);
  });
}

/** DPM-Solver-2 down to σ_down, then noise of σ_up. */
export function sampleDpm2Ancestral<A extends Sample>(
  denoiser: Denoiser<A>,
  x: A,
  sigmas: ArrayLike<number>,
  options: SamplerOptions<A> & { eta?: number } = {},
): A {
  const { eta = 1, sNoise = 1 } = options;
  return walk(denoiser, x, sigmas, options, ({ ops, x: at, sigma, next, denoise, noise }) => {
    const { down, up } = ancestralLevels(sigma, next, eta);
    const denoised = denoise();
    if (down === 0) return ops.combine([1, denoised]);
    const middle = Math.sqrt(sigma * down);
    const between = ops.combine([middle / sigma, at], [1 - middle / sigma, denoised]);
    const slope = (down - sigma) / middle;
    const mean = ops.combine([1, at], [slope, between], [-slope, denoiser(between, middle)]);
    return up > 0 ? ops.combine([1, mean], [up * sNoise, noise()]) : mean;
  });
}

/** DPM-Solver++ (2S) with ancestral noise (Lu et al. 2022, algorithm 1; k-diffusion's `sample_dpmpp_2s_ancestral`). */
export function sampleDpmpp2sAncestral<A extends Sample>(
  denoiser: Denoiser<A>,
  x: A,
  sigmas: ArrayLike<number>,
  options: SamplerOptions<A> & { eta?: number } = {},
): A {
  const { eta = 1, sNoise = 1 } = options;
  return walk(denoiser, x, sigmas, options, ({ ops, x: at, sigma, next, denoise, noise }) => {
    const { down, up } = ancestralLevels(sigma, next, eta);
    const denoised = denoise();
    if (down === 0) return ops.combine([1, denoised]);
    const h = Math.log(sigma / down);
    const middle = Math.sqrt(sigma * down);
    const between = ops.combine([middle / sigma, at], [-Math.expm1(-h / 2), denoised]);
    const mean = ops.combine([down / sigma, at], [-Math.expm1(-h), denoiser(between, middle)]);
    return up > 0 ? ops.combine([1, mean], [up * sNoise, noise()]) : mean;
  });
}

/**
 * DPM-Solver++ (SDE) with a stage at the fraction `r` of the way in log σ (k-diffusion's `sample_dpmpp_sde`). The noise of
 * both stages belongs to one Brownian path.
 */
export function sampleDpmppSde<A extends Sample>(
  denoiser: Denoiser<A>,
  x: A,
  sigmas: ArrayLike<number>,
  options: SamplerOptions<A> & { eta?: number; r?: number } = {},
): A {
  const { eta = 1, sNoise = 1, r = 0.5 } = options;
  return walk(denoiser, x, sigmas, options, ({ ops, x: at, sigma, next, denoise, noise }) => {
    const denoised = denoise();
    if (next === 0) return ops.combine([1, denoised]);
    const middle = sigma * (next / sigma) ** r;
    const [stage, whole] = [ancestralLevels(sigma, middle, eta), ancestralLevels(sigma, next, eta)];
    const first = stage.up > 0 ? noise() : undefined;
    const mean = ops.combine([stage.down / sigma, at], [1 - stage.down / sigma, denoised]);
    const between = first === undefined ? mean : ops.combine([1, mean], [stage.up * sNoise, first]);
    const share = 1 / (2 * r);
    const end = 1 - whole.down / sigma;
    const second = denoiser(between, middle);
    const result = ops.combine([whole.down / sigma, at], [end * (1 - share), denoised], [end * share, second]);
    if (first === undefined) return result;
    const path = wholeIncrement(ops, [sigma, middle, next], first, noise());
    return ops.combine([1, result], [whole.up * sNoise, path]);
  });
}
