import { invalidArgument } from '@missing-u/errors';
import type * as tf from '@tensorflow/tfjs-core';
import { DiffusionError } from './errors.ts';

/**
 * Refuses what a denoiser must not answer: a promise, nothing, or a tensor of another shape.
 *
 * @throws DiffusionError `DIFFUSION_BAD_DENOISER_OUTPUT`
 */
export function checkOutput(output: unknown, sample: tf.Tensor4D, shape: readonly number[] = sample.shape): void {
  const found = (output as { shape?: unknown } | null | undefined)?.shape;
  if (Array.isArray(found) && found.join() === shape.join()) return;
  const promised = typeof (output as { then?: unknown } | null | undefined)?.then === 'function';
  if (promised) (output as Promise<unknown>).then(undefined, () => undefined);
  const message = invalidArgument({
    argument: 'denoiser.predict(...)',
    value: output,
    allowed: `a tensor of the sample's shape [${shape.join(', ')}]`,
    ...(promised && { remedy: 'predict has to be synchronous; read values outside of it' }),
  });
  throw new DiffusionError('DIFFUSION_BAD_DENOISER_OUTPUT', message);
}

/** What a sampler says of an answer with numbers that are not finite, in its step `index`. */
export function nonFiniteOutput(timestep: number, index: number): DiffusionError {
  const message =
    `The denoiser gave numbers that are not finite at timestep ${timestep} (step ${index + 1}). ` +
    'Check that its weights are finite, and that the images are scaled as in its training.';
  return new DiffusionError('DIFFUSION_BAD_DENOISER_OUTPUT', message);
}
