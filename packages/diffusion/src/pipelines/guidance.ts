import { invalidArgument } from '@missing-u/errors';
import * as tf from '@tensorflow/tfjs-core';
import { checkOutput } from '../check-output.ts';
import type { AsyncDenoiser, Condition, Denoiser } from '../contracts.ts';
import { DiffusionError } from '../errors.ts';
import { answerOf, isAsynchronous } from './answer.ts';

export interface GuidanceOptions {
  /**
   * How far to go from the unconditional prediction through the conditional one: 1 is the conditional one, above 1 exaggerates
   * what the condition asks for (`guidance_scale` of diffusers, 1 + w of the paper).
   */
  guidanceScale: number;
  /** The class that stood for hidden labels in training. */
  nullLabel: number;
}

/**
 * Guidance without a classifier (Ho & Salimans 2022, equation 6): u + s (c - u), where c is the prediction with the labels, u
 * the one with the null label, and s the scale. It needs a network that was trained with hidden labels, and answers with a promise
 * where that does.
 *
 * @throws DiffusionError `DIFFUSION_BAD_GUIDANCE`
 */
export function classifierFreeGuidance(denoiser: Denoiser, { guidanceScale, nullLabel }: GuidanceOptions): Denoiser {
  if (!Number.isFinite(guidanceScale)) {
    const bad = { argument: 'guidanceScale', value: guidanceScale, allowed: 'a number' };
    throw new DiffusionError('DIFFUSION_BAD_GUIDANCE', invalidArgument(bad));
  }
  const mixed = (conditional: tf.Tensor4D, unconditional: tf.Tensor4D): tf.Tensor4D =>
    tf.tidy(() => tf.add(unconditional, tf.mul(tf.sub(conditional, unconditional), guidanceScale)));
  const withoutLabels = (sample: tf.Tensor4D, condition: Condition): Condition => ({
    ...condition,
    classLabels: new Array<number>(sample.shape[0]).fill(nullLabel),
  });
  if (isAsynchronous(denoiser)) {
    const guided: AsyncDenoiser = {
      asynchronous: true,
      async predict(sample, timesteps, condition = {}) {
        const conditional = await answerOf(denoiser, sample, timesteps, condition);
        if (guidanceScale === 1) return conditional;
        try {
          const unconditional = await answerOf(denoiser, sample, timesteps, withoutLabels(sample, condition));
          const result = mixed(conditional, unconditional);
          unconditional.dispose();
          return result;
        } finally {
          conditional.dispose();
        }
      },
    };
    return guided as unknown as Denoiser;
  }
  return {
    predict: (sample, timesteps, condition: Condition = {}) =>
      tf.tidy(() => {
        const conditional = denoiser.predict(sample, timesteps, condition);
        checkOutput(conditional, sample);
        if (guidanceScale === 1) return conditional;
        return mixed(conditional, denoiser.predict(sample, timesteps, withoutLabels(sample, condition)));
      }),
  };
}
