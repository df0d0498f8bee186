import type * as tf from '@tensorflow/tfjs-core';
import type { DiffusionPipeline } from './diffusion-pipeline.ts';
import type { ReverseStep } from './reverse-process.ts';

/** The tensors of a step: `sample` is x at the next timestep, `predOriginalSample` the present estimate of x0; both in [-1, 1]. */
export interface StepTensors {
  sample: tf.Tensor4D;
  predOriginalSample: tf.Tensor4D;
}

export type StepCallback = (
  pipeline: DiffusionPipeline,
  /** Steps done before this one, over all chunks. */
  step: number,
  timestep: number,
  tensors: StepTensors,
) => MaybePromise<Partial<StepTensors> | void>;

type MaybePromise<T> = T | Promise<T>;

/** The visit of each step that tells a callback, and puts what it returns in the place of the step's tensors; it counts the steps. */
export function visitFor(
  pipeline: DiffusionPipeline,
  callback: StepCallback | undefined,
): (done: ReverseStep) => Promise<void> {
  let step = 0;
  return async (done) => {
    const { timestep, sample, predOriginalSample } = done;
    const replaced = await callback?.(pipeline, step, timestep, { sample, predOriginalSample });
    if (replaced?.sample !== undefined) done.sample = replaced.sample;
    if (replaced?.predOriginalSample !== undefined) done.predOriginalSample = replaced.predOriginalSample;
    step += 1;
  };
}
