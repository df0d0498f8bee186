import * as tf from '@tensorflow/tfjs-core';
import { tidy, vjp } from '@missing-u/autodiff';
import { integrate } from '@missing-u/ode-solvers';
import type { Generator } from '@missing-u/random';
import { SchedulerError } from '../errors.ts';
import type { Denoiser } from '../samplers/denoisers.ts';
import { checkRange, type FlowOptions, type FlowRange } from './sample.ts';

export interface LikelihoodOptions extends FlowOptions {
  /**
   * How the divergence is found: `hutchinson` by one random direction per solve (unbiased, one gradient per slope), `exact` by
   * one gradient per dimension.
   */
  trace?: 'hutchinson' | 'exact';
  /** Draws the direction of `hutchinson`: signs, the same throughout the solve. */
  generator?: Generator;
}

export interface LogLikelihood {
  /** log p(x) in nats, one per item. */
  logLikelihood: Float64Array;
  /** -log₂ p(x) per dimension, one per item; for data in [-1, 1] made of 8-bit values add log₂(127.5). */
  bitsPerDim: Float64Array;
  /** Calls of slope and divergence. */
  nfe: number;
}

/**
 * The exact log-likelihood under the probability-flow ODE (Song et al. 2021, section 4.3 and appendix D.2; Grathwohl et al.,
 * "FFJORD", 2019): log p(x) = log N(x_T; 0, σ_max²) + ∫ div, with x noised by σ_min being what is measured.
 */
export function logLikelihood<T extends tf.Tensor>(
  denoiser: Denoiser<T>,
  x: T,
  range: FlowRange,
  { trace = 'hutchinson', generator, ...options }: LikelihoodOptions = {},
): LogLikelihood {
  const { sigmaMin, sigmaMax } = checkRange(range);
  const items = x.shape[0];
  const dimensions = x.size / items;
  return tidy(() => {
    const direction = trace === 'hutchinson' ? signs(x, generator) : undefined;
    const perItem = (product: tf.Tensor) => tf.sum(tf.reshape(product, [items, dimensions]), 1);

    const field = (t: number, { at }: { at: tf.Tensor; gained: tf.Tensor }) => {
      const slope = (one: tf.Tensor) => tf.sub(one, denoiser(one as T, Math.exp(t)));
      const projected = (v: tf.Tensor) => perItem(tf.mul(v, vjp(slope, at, v)));
      const divergence =
        direction !== undefined
          ? projected(direction)
          : tidy(() => tf.addN(Array.from({ length: dimensions }, (_, i) => projected(unit(x, i)))));
      return { at: slope(at), gained: divergence };
    };
    const start = { at: x as tf.Tensor, gained: tf.zeros([items]) };
    const settled = { rtol: 1e-4, atol: 1e-4, ...options };
    const { y, stats } = integrate(field, start, Math.log(sigmaMin), Math.log(sigmaMax), settled);
    const gained = y.gained.dataSync();
    const squares = perItem(tf.square(y.at)).dataSync();
    const constant = dimensions * (Math.log(sigmaMax) + 0.5 * Math.log(2 * Math.PI));
    const logs = Float64Array.from(gained, (gain, item) => gain - squares[item]! / (2 * sigmaMax ** 2) - constant);
    return { logLikelihood: logs, bitsPerDim: logs.map((log) => -log / (dimensions * Math.LN2)), nfe: stats.nfe };
  });
}

/** Random signs in x's shape: among directions of unit variance those with the least noise in the trace. */
function signs(x: tf.Tensor, generator: Generator | undefined): tf.Tensor {
  if (generator === undefined) {
    const message =
      "logLikelihood() with trace 'hutchinson' draws a direction: give a `generator`, or take trace 'exact'.";
    throw new SchedulerError('SCHEDULER_NO_NOISE', message);
  }
  return tf.tensor(
    Float32Array.from({ length: x.size }, () => 2 * generator.integer(2) - 1),
    x.shape,
  );
}

/** 1 at dimension i of every item, 0 elsewhere. */
function unit(x: tf.Tensor, i: number): tf.Tensor {
  const stride = x.size / x.shape[0];
  return tf.tensor(
    Float32Array.from({ length: x.size }, (_, k) => (k % stride === i ? 1 : 0)),
    x.shape,
  );
}
