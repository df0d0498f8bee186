import { arithmeticOf } from './arithmetic/choose.ts';
import type { Arithmetic, Coefficient, Term } from './arithmetic/arithmetic.ts';
import type { Definition, SchedulerConfig } from './config.ts';
import {
  DISCRETE_CHOICES,
  DISCRETE_DEFAULTS,
  DiscreteScheduler,
  checkLearned,
  type DiscreteOptions,
} from './discrete.ts';
import { refuse } from './errors.ts';
import { stepNoise } from './noise.ts';
import { CLIP_DEFAULTS, stepByRule, type ClipOptions } from './prediction.ts';
import type { Sample, Timestep } from './sample.ts';
import type { StepOptions, StepResult } from './scheduler.ts';

export const VARIANCE_TYPES = [
  'fixed_small',
  'fixed_small_log',
  'fixed_large',
  'fixed_large_log',
  'learned',
  'learned_range',
] as const;
export type VarianceType = (typeof VARIANCE_TYPES)[number];

export interface DDPMOptions extends DiscreteOptions, ClipOptions {
  varianceType: VarianceType;
}

export interface DDPMStepOptions<A extends Sample = Sample> extends StepOptions<A> {
  /** Where the step ends; by default the next listed timestep, and -1 after the last. */
  prevTimestep?: number;
}

export const DDPM_DEFINITION: Definition<DDPMOptions> = {
  name: 'DDPMScheduler',
  defaults: { ...DISCRETE_DEFAULTS, ...CLIP_DEFAULTS, varianceType: 'fixed_small' },
  choices: { ...DISCRETE_CHOICES, varianceType: VARIANCE_TYPES },
};

/**
 * Ancestral sampling (Ho, Jain and Abbeel, "Denoising Diffusion Probabilistic Models", 2020, algorithm 2), with the learned
 * variances of Nichol and Dhariwal, "Improved Denoising Diffusion Probabilistic Models" (2021, equation 15). Without
 * `setTimesteps` it walks the whole chain.
 */
export class DDPMScheduler extends DiscreteScheduler<DDPMOptions> {
  constructor(options: Partial<DDPMOptions> | SchedulerConfig = {}, definition = DDPM_DEFINITION) {
    super(definition, options);
  }

  /**
   * One step of the reverse process: x0 from the model's output, clipped, then a draw from q(x_{t'} | x_t, x0) with t' the
   * next timestep. No noise is added at t = 0.
   *
   * @param modelOutput of the sample's shape, or with 2C channels on the last axis if the variance is learned.
   * @param t an integer timestep, or one per batch item.
   */
  step<A extends Sample>(modelOutput: A, t: Timestep, sample: A, options: DDPMStepOptions<A> = {}): StepResult<A> {
    return this.reverse(modelOutput, t, sample, options, true);
  }

  protected reverse<A extends Sample>(
    modelOutput: A,
    t: Timestep,
    sample: A,
    options: DDPMStepOptions<A>,
    isNoisy: boolean,
  ): StepResult<A> {
    const ops = arithmeticOf(sample, options.shape);
    const { varianceType } = this.options;
    return ops.scope(() => {
      const learned = checkLearned(modelOutput, ops, varianceType === 'learned' || varianceType === 'learned_range');
      const [output, variance]: [A, A?] = learned ? ops.split(modelOutput) : [modelOutput];
      ops.check('modelOutput', output);
      const at = this.perTimestep(t, (one) => this.#coefficients(one, options.prevTimestep));

      // 1. x0 from the output, kept in range. 2. Mean of q(x_{t'} | x_t, x0), equation 7, plus noise of the chosen variance.
      const added: Term<A>[] = [];
      if (isNoisy && !isAllZero(at.deviation)) {
        const noise = stepNoise(ops, options);
        added.push([at.deviation, this.#scaleNoise(ops, noise, variance, at)]);
      }
      return stepByRule(ops, at, sample, output, this.options, added);
    });
  }

  /**
   * The variance of the reverse step at t, as diffusers' `_get_variance` gives it; note that `fixed_small_log` returns a
   * standard deviation there, and `fixed_large_log` a logarithm.
   */
  getVariance(t: number): number {
    const { posterior, beta } = this.#variances(this.checkTimestep(t));
    switch (this.options.varianceType) {
      case 'fixed_small':
        return posterior;
      case 'fixed_small_log':
        return this.round(Math.exp(0.5 * this.round(Math.log(posterior))));
      case 'fixed_large':
        return beta;
      case 'fixed_large_log':
        return this.round(Math.log(beta));
      case 'learned':
      case 'learned_range': {
        const allowed = 'a fixed one: a learned variance is known only with the model output';
        return refuse({ argument: 'varianceType', value: this.options.varianceType, allowed });
      }
    }
  }

  /** β̃ (equation 7, at least 1e-20) and β of the step from t to the next listed timestep. */
  #variances(
    t: number,
    before = this.previousTimestep(t),
  ): { posterior: number; beta: number; alpha: number; product: number; previous: number } {
    const { round } = this;
    const product = this.alphasCumprod.at(t)!;
    const previous = before >= 0 ? this.alphasCumprod[before]! : 1;
    const { alpha, beta } = this.transition(t, before);
    const posterior = Math.max(round(round(round(1 - previous) / round(1 - product)) * beta), 1e-20);
    return { posterior, beta, alpha, product, previous };
  }

  /** α and β of the step from `before` to t, from ᾱ at both. */
  protected transition(t: number, before: number): { alpha: number; beta: number } {
    const previous = before >= 0 ? this.alphasCumprod[before]! : 1;
    const alpha = this.round(this.alphasCumprod.at(t)! / previous);
    return { alpha, beta: this.round(1 - alpha) };
  }

  #coefficients(t: number, before?: number) {
    const { round } = this;
    const { posterior, beta, alpha, product, previous } = this.#variances(t, before);
    const mix = this.originalMix(t);
    const remaining = round(1 - product);
    const [low, high] = [Math.log(posterior), Math.log(beta)];
    return {
      originalSample: mix.sample,
      originalOutput: mix.output,
      output: 0,
      original: round(round(round(Math.sqrt(previous)) * beta) / remaining),
      sample: round(round(round(Math.sqrt(alpha)) * round(1 - previous)) / remaining),
      deviation: t > 0 ? this.#deviation(posterior, beta) : 0,
      // learned_range: log σ² = (log β + log β̃)/2 + v (log β - log β̃)/2 with v in [-1, 1].
      spread: (high - low) / 4,
    };
  }

  /** The factor of the noise; what the model adds to it comes in `#scaleNoise`. */
  #deviation(posterior: number, beta: number): number {
    switch (this.options.varianceType) {
      case 'fixed_small':
      case 'fixed_small_log':
        return this.round(Math.sqrt(posterior));
      case 'fixed_large':
      case 'fixed_large_log':
        return this.round(Math.sqrt(beta));
      case 'learned':
        return 1;
      case 'learned_range':
        return Math.sqrt(Math.sqrt(posterior * beta));
    }
  }

  #scaleNoise<A extends Sample>(ops: Arithmetic<A>, noise: A, variance: A | undefined, at: { spread: Coefficient }): A {
    if (variance === undefined) return noise;
    if (this.options.varianceType === 'learned') return ops.multiply(ops.sqrt(variance), noise);
    return ops.multiply(ops.exp(ops.combine([at.spread, variance])), noise);
  }
}

function isAllZero(coefficient: Coefficient): boolean {
  return typeof coefficient === 'number' ? coefficient === 0 : coefficient.every((one) => one === 0);
}
