import type { Generator } from '@missing-u/random';
import * as tf from '@tensorflow/tfjs-core';
import { nonFiniteOutput } from '../check-output.ts';
import type { Condition, Denoiser, SamplingScheduler } from '../contracts.ts';
import { DiffusionError } from '../errors.ts';
import { nextTurn } from '../next-turn.ts';
import { finiteMark } from '../training/non-finite.ts';
import { answerOf } from './answer.ts';
import { stepOptions, type DDIMSettings } from './noise.ts';

export interface ReverseOptions extends DDIMSettings {
  unet: Denoiser;
  scheduler: SamplingScheduler;
  /** The noisy images to start from, [batch, height, width, channels]; the process takes them over. */
  sample: tf.Tensor4D;
  /** Timesteps to visit, falling; those of the scheduler, or the last of them. */
  timesteps: readonly number[];
  /** One per image, for steps that add noise. */
  generators: readonly Generator[];
  /** One class per image, for conditional denoisers. */
  classLabels?: readonly number[];
  /** Give the denoiser the estimate of the step before, zeros in the first one; default false. */
  selfConditioning?: boolean;
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
  /** The model's present estimate of the clean images; with self-conditioning a replacement is what the next step sees. */
  predOriginalSample: tf.Tensor4D;
}

/**
 * The reverse process step by step; returns the last sample, which the caller disposes. One that is not wanted any more is ended by
 * its `return()`, as `for await` does, or its `throw()`, which free its tensors.
 *
 * @throws DiffusionError `DIFFUSION_BAD_DENOISER_OUTPUT` for an answer of another shape, or numbers that are not finite; `DIFFUSION_BAD_REPLACEMENT` for a replaced tensor of another shape
 */
export function reverseProcess(options: ReverseOptions): AsyncGenerator<ReverseStep, tf.Tensor4D, void> {
  const process = run(options);
  const { next, return: end, throw: fail } = process;
  // A generator that is ended before it began, by `return()` or `throw()`, does not come to its `finally`.
  let begun = false;
  const endUnbegun = () => {
    if (!begun) options.sample.dispose();
    begun = true;
  };
  process.next = () => {
    begun = true;
    return next.call(process);
  };
  process.return = (value) => {
    endUnbegun();
    return end.call(process, value);
  };
  process.throw = (error) => {
    endUnbegun();
    return fail.call(process, error);
  };
  return process;
}

async function* run(options: ReverseOptions): AsyncGenerator<ReverseStep, tf.Tensor4D, void> {
  const { unet, scheduler, timesteps, generators, classLabels, selfConditioning = false, signal } = options;
  let sample = options.sample;
  let estimate: tf.Tensor4D | undefined;
  let finished = false;
  try {
    if (selfConditioning) estimate = tf.zerosLike(sample);
    for (const [index, timestep] of timesteps.entries()) {
      signal?.throwIfAborted();
      const input = tf.tidy(() => tf.clone(scheduler.scaleModelInput(sample, timestep)));
      const answer = answerOf(unet, input, timestep, conditionOf(classLabels, estimate));
      const output = await answer.finally(() => input.dispose());
      const [next, clean, mark] = disposing(output, () => {
        const step = scheduler.step(output, timestep, sample, stepOptions(generators, sample, options));
        return [step.prevSample, step.predOriginalSample, finiteMark(output)] as const;
      });
      sample.dispose();
      sample = next;
      const step: ReverseStep = { index, timestep, sample, predOriginalSample: clean };
      try {
        await refuseNonFinite(mark, index, timestep);
        await nextTurn();
        yield step;
      } finally {
        if (step.sample !== sample) {
          if (sample !== clean) sample.dispose();
          sample = step.sample;
        }
        if (estimate !== undefined) {
          estimate.dispose();
          estimate = tf.clone(step.predOriginalSample);
        }
        for (const tensor of new Set([clean, step.predOriginalSample])) if (tensor !== sample) tensor.dispose();
      }
      checkReplacement(sample, next.shape);
    }
    finished = true;
    return sample;
  } finally {
    estimate?.dispose();
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

/** What `work` makes of a tensor that is not needed afterwards, also where it fails. */
function disposing<T extends readonly tf.Tensor[]>(tensor: tf.Tensor, work: () => T): T {
  try {
    return tf.tidy(work as () => never);
  } finally {
    tensor.dispose();
  }
}

function conditionOf(
  classLabels: readonly number[] | undefined,
  selfCondition: tf.Tensor4D | undefined,
): Condition | undefined {
  if (classLabels === undefined && selfCondition === undefined) return undefined;
  return { ...(classLabels && { classLabels }), ...(selfCondition && { selfCondition }) };
}

async function refuseNonFinite(mark: tf.Tensor, index: number, timestep: number): Promise<void> {
  const [value] = await mark.data();
  mark.dispose();
  if (value !== 0) throw nonFiniteOutput(timestep, index);
}

function checkReplacement(sample: tf.Tensor4D, shape: readonly number[]): void {
  if (sample.shape.join() === shape.join()) return;
  const message = `A callback replaced \`sample\` by a tensor of shape [${sample.shape.join(', ')}], but it has to stay [${shape.join(', ')}].`;
  throw new DiffusionError('DIFFUSION_BAD_REPLACEMENT', message);
}
