import { invalidArgument } from '@missing-u/errors';
import type { TrainableDenoiser, TrainingScheduler } from '../contracts.ts';
import { DiffusionError } from '../errors.ts';

/**
 * Refuses a denoiser that has nothing to train, and schedulers whose noise is not that of a chain.
 *
 * @throws DiffusionError `DIFFUSION_BAD_TRAINER`
 */
export function checkTrainable(denoiser: TrainableDenoiser, scheduler: TrainingScheduler): void {
  if (!has(denoiser, ['predict', 'parameters'])) {
    refuse('denoiser', denoiser, 'a network with methods predict(sample, timesteps) and parameters()');
  }
  if (!denoiser.parameters().some(({ variable }) => variable.trainable)) {
    refuse('denoiser', denoiser, 'a network with weights, not all of them frozen');
  }
  const remedy = 'train with `new DDPMScheduler({ ... })`, and sample with any scheduler of its `config`';
  if (!has(scheduler, ['addNoise', 'getVelocity']) || scheduler.alphasCumprod === undefined) {
    refuse('scheduler', scheduler, 'one of a chain of timesteps, as DDPMScheduler and DDIMScheduler', remedy);
  }
  // Euler's and its like add noise without shrinking the image, and expect that whoever samples shrinks both.
  const { initNoiseSigma = 1 } = scheduler as { initNoiseSigma?: number };
  if (initNoiseSigma !== 1) {
    refuse('scheduler', scheduler, 'one whose noisy images keep their variance', remedy);
  }
}

function has(part: object | undefined, methods: readonly string[]): boolean {
  return methods.every((method) => typeof (part as Record<string, unknown> | undefined)?.[method] === 'function');
}

function refuse(argument: string, value: unknown, allowed: string, remedy?: string): never {
  const message = invalidArgument({ argument, value, allowed, ...(remedy !== undefined && { remedy }) });
  throw new DiffusionError('DIFFUSION_BAD_TRAINER', message);
}
