import { betaQuantile } from './beta-distribution.ts';
import { linspace } from './numeric.ts';

/** Noise levels between two bounds, falling. */
export interface SigmaRange {
  sigmaMin: number;
  sigmaMax: number;
}

/** Karras et al., "Elucidating the Design Space of Diffusion-Based Generative Models" (2022), equation 5. */
export function karrasSigmas(count: number, { sigmaMin, sigmaMax }: SigmaRange, rho = 7): Float64Array {
  const [low, high] = [sigmaMin ** (1 / rho), sigmaMax ** (1 / rho)];
  return linspace(0, 1, count).map((ramp) => (high + ramp * (low - high)) ** rho);
}

/** Equally spaced in log σ. */
export function exponentialSigmas(count: number, { sigmaMin, sigmaMax }: SigmaRange): Float64Array {
  return linspace(Math.log(sigmaMax), Math.log(sigmaMin), count).map(Math.exp);
}

/** k-diffusion's polynomial in log σ; `rho` of 1 is the exponential schedule. */
export function polyexponentialSigmas(count: number, { sigmaMin, sigmaMax }: SigmaRange, rho = 1): Float64Array {
  const [low, high] = [Math.log(sigmaMin), Math.log(sigmaMax)];
  return linspace(1, 0, count).map((ramp) => Math.exp(ramp ** rho * (high - low) + low));
}

/** Quantiles of Beta(α, β) (Lee et al., "Beta Sampling is All You Need", 2024). */
export function betaSigmas(count: number, { sigmaMin, sigmaMax }: SigmaRange, alpha = 0.6, beta = 0.6): Float64Array {
  return linspace(0, 1, count).map((ramp) => sigmaMin + betaQuantile(1 - ramp, alpha, beta) * (sigmaMax - sigmaMin));
}

/** Equally spaced in λ = -log σ, as DPM-Solver's authors have it (Lu et al. 2022); with `rho` a power of λ. */
export function luSigmas(count: number, { sigmaMin, sigmaMax }: SigmaRange, rho = 1): Float64Array {
  const [low, high] = [Math.log(sigmaMin) ** (1 / rho), Math.log(sigmaMax) ** (1 / rho)];
  return linspace(0, 1, count).map((ramp) => Math.exp((high + ramp * (low - high)) ** rho));
}

/** k-diffusion's variance-preserving schedule (Song et al. 2021) over times 1 .. ε. */
export function vpSigmas(count: number, betaD = 19.9, betaMin = 0.1, smallest = 1e-3): Float64Array {
  return linspace(1, smallest, count).map((t) => Math.sqrt(Math.exp((betaD * t ** 2) / 2 + betaMin * t) - 1));
}

/** The noise levels with the 0 that samplers end at. */
export function appendZero(sigmas: Float64Array): Float64Array {
  return Float64Array.of(...sigmas, 0);
}

/** The (fractional) timestep of a noise level, linear in log σ between trained timesteps; `logSigmas` rise with t. */
export function sigmaToTimestep(sigma: number, logSigmas: Float64Array): number {
  const logSigma = Math.log(Math.max(sigma, 1e-10));
  const above = logSigmas.findIndex((one) => one > logSigma);
  const below = above === -1 ? logSigmas.length - 1 : Math.max(above - 1, 0);
  const low = Math.min(below, logSigmas.length - 2);
  const weight = (logSigmas[low]! - logSigma) / (logSigmas[low]! - logSigmas[low + 1]!);
  const w = Math.min(Math.max(weight, 0), 1);
  return (1 - w) * low + w * (low + 1);
}
