import { invalidArgument } from '@missing-u/errors';
import type { Generator } from '@missing-u/random';
import * as tf from '@tensorflow/tfjs-core';
import type { Denoiser, SamplingScheduler } from '../contracts.ts';
import { DiffusionError } from '../errors.ts';
import { nextTurn } from '../next-turn.ts';
import { stepOptions } from './noise.ts';

export interface ReverseOptions {
  unet: Denoiser;
  scheduler: SamplingScheduler;
  /** The noisy images to start from, [batch, height, width, channels]; the process takes them over. */
  sample: tf.Tensor4D;
  /** Timesteps to visit, falling; those of the scheduler, or the last of them. */
  timesteps: readonly number[];
  /** One per image, for steps that add noise. */
  generators: readonly Generator[];
  /** Share of fresh noise in each DDIM step, 0 to 1. */
  eta?: number;
  /** Ends the process with the signal's reason. */
  signal?: AbortSignal;
}

/** One finished step. The tensors live until the next step; `sample` may be replaced by another tensor of its shape. */
export interface ReverseStep {
  /** 0 for the first step. */
  readonly index: number;
  readonly timestep: number;
  /** x at the next, less noisy timestep. */
  sample: tf.Tensor4D;
  /** The model's present estimate of the clean images. */
  readonly predOriginalSample: tf.Tensor4D;
}

/** The reverse process step by step; returns the last sample, which the caller disposes. */
export async function* reverseProcess(options: ReverseOptions): AsyncGenerator<ReverseStep, tf.Tensor4D, void> {
  const { unet, scheduler, timesteps, generators, eta, signal } = options;
  let sample = options.sample;
  let finished = false;
  try {
    for (const [index, timestep] of timesteps.entries()) {
      signal?.throwIfAborted();
      const [next, clean] = tf.tidy(() => {
        const output = unet.predict(scheduler.scaleModelInput(sample, timestep), timestep);
        checkOutput(output, sample);
        const step = scheduler.step(output, timestep, sample, stepOptions(generators, sample, eta));
        return [step.prevSample, step.predOriginalSample];
      });
      sample.dispose();
      sample = next;
      await nextTurn();
      const step: ReverseStep = { index, timestep, sample, predOriginalSample: clean };
      try {
        yield step;
      } finally {
        if (clean !== next) clean.dispose();
        if (step.sample !== sample) {
          sample.dispose();
          sample = step.sample;
        }
      }
    }
    finished = true;
    return sample;
  } finally {
    if (!finished) sample.dispose();
  }
}

/** Runs a process to its end, with a visit after each step. */
export async function finish(
  process: AsyncGenerator<ReverseStep, tf.Tensor4D, void>,
  visit: (step: ReverseStep) => void | Promise<void> = () => undefined,
): Promise<tf.Tensor4D> {
  try {
    for (;;) {
      const { value, done } = await process.next();
      if (done === true) return value;
      await visit(value);
    }
  } finally {
    await process.return(undefined as never);
  }
}

function checkOutput(output: tf.Tensor4D, sample: tf.Tensor4D): void {
  if (typeof output?.shape === 'object' && output.shape.join() === sample.shape.join()) return;
  const allowed = `a tensor of the sample's shape [${sample.shape.join(', ')}]`;
  const message = invalidArgument({ argument: 'unet.predict(...)', value: output, allowed });
  throw new DiffusionError('DIFFUSION_BAD_DENOISER_OUTPUT', message);
}
