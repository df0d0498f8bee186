import { arithmeticOf } from '../arithmetic/choose.ts';
import type { Sample } from '../sample.ts';
import { trainedSigmas } from '../sigma-scheduler.ts';
import { sigmaToTimestep } from '../schedules/sigmas.ts';

/** The clean sample behind x = x0 + σ ε, as a model sees it: E[x0 | x]. */
export type Denoiser<A extends Sample> = (x: A, sigma: number) => A;

/** A model of a discrete chain: its output on a unit-variance sample at a (fractional) timestep. */
export type TimestepModel<A extends Sample> = (x: A, timestep: number) => A;

/** What brings a noise level to a trained chain: its timestep, linear in log σ. */
function timestepOf(alphasCumprod: Float64Array): (sigma: number) => number {
  const logSigmas = trainedSigmas(alphasCumprod, false, (value) => value).map(Math.log);
  return (sigma) => sigmaToTimestep(sigma, logSigmas);
}

/** The least and the greatest noise level of a trained chain, for the sigma schedules. */
export function sigmaRange(alphasCumprod: Float64Array): { sigmaMin: number; sigmaMax: number } {
  const sigmas = trainedSigmas(alphasCumprod, false, (value) => value);
  return { sigmaMin: sigmas[0]!, sigmaMax: sigmas.at(-1)! };
}

/** A model of ε as a denoiser: D(x) = x - σ ε(x / √(σ²+1), t(σ)). */
export function epsilonDenoiser<A extends Sample>(model: TimestepModel<A>, alphasCumprod: Float64Array): Denoiser<A> {
  return preconditioned(model, timestepOf(alphasCumprod), (sigma) => ({
    skip: 1,
    out: -sigma,
    scale: 1 / Math.hypot(sigma, 1),
  }));
}

/** A model of v as a denoiser: D(x) = x / (σ²+1) - σ v / √(σ²+1). */
export function velocityDenoiser<A extends Sample>(model: TimestepModel<A>, alphasCumprod: Float64Array): Denoiser<A> {
  return preconditioned(model, timestepOf(alphasCumprod), (sigma) => {
    const scale = 1 / Math.hypot(sigma, 1);
    return { skip: scale ** 2, out: -sigma * scale, scale };
  });
}

/** A model of x0 as a denoiser. */
export function sampleDenoiser<A extends Sample>(model: TimestepModel<A>, alphasCumprod: Float64Array): Denoiser<A> {
  return preconditioned(model, timestepOf(alphasCumprod), (sigma) => ({
    skip: 0,
    out: 1,
    scale: 1 / Math.hypot(sigma, 1),
  }));
}

/** A network F with EDM's preconditioning: D(x) = c_skip x + c_out F(c_in x, log(σ)/4) (Karras et al. 2022, equation 7). */
export function edmDenoiser<A extends Sample>(network: TimestepModel<A>, sigmaData = 0.5): Denoiser<A> {
  return preconditioned(
    network,
    (sigma) => Math.log(sigma) / 4,
    (sigma) => {
      const scale = 1 / Math.hypot(sigma, sigmaData);
      return { skip: (sigmaData * scale) ** 2, out: sigma * sigmaData * scale, scale };
    },
  );
}

function preconditioned<A extends Sample>(
  model: TimestepModel<A>,
  condition: (sigma: number) => number,
  factors: (sigma: number) => { skip: number; out: number; scale: number },
): Denoiser<A> {
  return (x, sigma) => {
    const ops = arithmeticOf(x);
    const { skip, out, scale } = factors(sigma);
    return ops.scope(() => {
      const output = model(ops.combine([scale, x]), condition(sigma));
      return skip === 0 ? ops.combine([out, output]) : ops.combine([skip, x], [out, output]);
    });
  };
}
