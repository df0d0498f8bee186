import * as tf from '@tensorflow/tfjs-core';
import { integrate, type OdeOptions } from '@missing-u/ode-solvers';
import { refuse } from '../errors.ts';
import type { Denoiser } from '../samplers/denoisers.ts';

export interface FlowRange {
  sigmaMin: number;
  sigmaMax: number;
}

/** Options of the ODE solver: `method`, `rtol` (1e-4 here), `atol` (1e-4 here) and the rest of `ode-solvers`. */
export type FlowOptions = Pick<OdeOptions, 'method' | 'maxNumSteps'> & { rtol?: number; atol?: number };

export interface FlowSample<T extends tf.Tensor> {
  x: T;
  /** Denoiser calls. */
  nfe: number;
}

/**
 * Samples by the probability-flow ODE dx/d log σ = x - D(x; σ) (Song et al. 2021, equation 13; Karras et al. 2022,
 * equation 1), from σ_max down to σ_min with an adaptive solver. `x` is normal noise of deviation σ_max.
 */
export function probabilityFlowSample<T extends tf.Tensor>(
  denoiser: Denoiser<T>,
  x: T,
  range: FlowRange,
  options: FlowOptions = {},
): FlowSample<T> {
  const { sigmaMin, sigmaMax } = checkRange(range);
  const slope = (t: number, at: tf.Tensor) => tf.sub(at, denoiser(at as T, Math.exp(t)));
  const settled = { rtol: 1e-4, atol: 1e-4, ...options };
  const { y, stats } = integrate(slope, x as tf.Tensor, Math.log(sigmaMax), Math.log(sigmaMin), settled);
  return { x: y as T, nfe: stats.nfe };
}

export function checkRange(range: FlowRange): FlowRange {
  const { sigmaMin, sigmaMax } = range;
  if (!(sigmaMin > 0 && sigmaMin < sigmaMax)) {
    refuse({ argument: 'sigmaMin', value: sigmaMin, allowed: `above 0 and below sigmaMax, ${sigmaMax}` });
  }
  return range;
}
