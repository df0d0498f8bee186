import * as tf from '@tensorflow/tfjs-core';
import type { Denoiser } from '../contracts.ts';
import { DiffusionError } from '../errors.ts';

/** What is known of the chain behind a scheduler of discrete timesteps. */
export interface Chain {
  readonly alphasCumprod: Float64Array;
  readonly config: Readonly<Record<string, unknown>>;
}

export type PredictionType = 'epsilon' | 'sample' | 'v_prediction';

/**
 * The chain that a pipeline's scheduler samples, for methods that need more of it than steps.
 *
 * @throws DiffusionError `DIFFUSION_NO_CHAIN`
 */
export function chainOf(scheduler: object, method: string): Chain & { predictionType: PredictionType } {
  const { alphasCumprod, config } = scheduler as Partial<Chain>;
  const predictionType = config?.['prediction_type'] ?? 'epsilon';
  const known = ['epsilon', 'sample', 'v_prediction'];
  if (alphasCumprod !== undefined && config !== undefined && known.includes(String(predictionType))) {
    return { alphasCumprod, config, predictionType: predictionType as PredictionType };
  }
  const message = `${method}() needs a scheduler of discrete timesteps, as DDPMScheduler or DDIMScheduler; the pipeline has ${scheduler.constructor.name}.`;
  throw new DiffusionError('DIFFUSION_NO_CHAIN', message);
}

/** A denoiser's answer as noise, whatever it predicts. */
export function predictNoise(
  denoiser: Denoiser,
  { alphasCumprod, predictionType }: { alphasCumprod: Float64Array; predictionType: PredictionType },
  sample: tf.Tensor4D,
  timestep: number,
  ...condition: [Parameters<Denoiser['predict']>[2]?]
): tf.Tensor4D {
  return tf.tidy(() => {
    const output = denoiser.predict(sample, timestep, ...condition);
    if (predictionType === 'epsilon') return output;
    const signal = Math.sqrt(alphasCumprod[timestep]!);
    const sigma = Math.sqrt(1 - alphasCumprod[timestep]!);
    if (predictionType === 'sample') return tf.div(tf.sub(sample, tf.mul(output, signal)), sigma);
    return tf.add(tf.mul(sample, sigma), tf.mul(output, signal));
  });
}
