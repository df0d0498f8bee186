import * as tf from '@tensorflow/tfjs-core';
import { checkOutput } from '../check-output.ts';
import type { AsyncDenoiser, Condition, Denoiser } from '../contracts.ts';
import { DiffusionError } from '../errors.ts';

/**
 * The prediction of a denoiser that answers at once, or with a promise as those do that compute outside of TensorFlow.js
 * (`OnnxDenoiser`). It is the caller's to dispose; what else a synchronous one made is freed.
 *
 * @throws DiffusionError `DIFFUSION_BAD_DENOISER_OUTPUT`
 */
export async function answerOf(
  denoiser: Denoiser,
  sample: tf.Tensor4D,
  timestep: number,
  condition: Condition | undefined,
): Promise<tf.Tensor4D> {
  const call = (): unknown => denoiser.predict(sample, timestep, condition);
  let answer: unknown;
  // A tidy would free what an asynchronous function has made when it waits for the first time.
  if (isAsynchronous(denoiser)) answer = await call();
  else {
    tf.tidy(() => {
      answer = call();
      return isPromise(answer) ? [] : [answer as tf.Tensor4D];
    });
    if (isPromise(answer)) {
      answer = await answer;
      if ((answer as tf.Tensor | undefined)?.isDisposed === true) throw freed();
    }
  }
  try {
    checkOutput(answer, sample);
  } catch (error) {
    tf.dispose(answer as tf.Tensor);
    throw error;
  }
  return answer as tf.Tensor4D;
}

function freed(): DiffusionError {
  const message =
    'The denoiser promised a tensor that it had made before it gave the promise, and that was freed with its other tensors. ' +
    'Make `predict` an async function, or set `asynchronous: true` beside it.';
  return new DiffusionError('DIFFUSION_BAD_DENOISER_OUTPUT', message);
}

/** Whether a denoiser says, or its `predict` is declared, to answer with promises. */
export function isAsynchronous(denoiser: Denoiser): boolean {
  const declared = (denoiser as Denoiser & Pick<AsyncDenoiser, 'asynchronous'>).asynchronous;
  return declared ?? denoiser.predict.constructor.name === 'AsyncFunction';
}

export function isPromise(value: unknown): value is Promise<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
