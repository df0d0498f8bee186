import { arithmeticOf } from './arithmetic/choose.ts';
import type { Term } from './arithmetic/arithmetic.ts';
import type { Definition, SchedulerConfig } from './config.ts';
import {
  DISCRETE_CHOICES,
  DISCRETE_DEFAULTS,
  DiscreteScheduler,
  notStarted,
  type DiscreteOptions,
} from './discrete.ts';
import { refuse } from './errors.ts';
import { stepNoise } from './noise.ts';
import { CLIP_DEFAULTS, epsilonMix, stepByRule, type ClipOptions } from './prediction.ts';
import type { Sample, Timestep } from './sample.ts';
import type { StepOptions, StepResult } from './scheduler.ts';

export interface DDIMOptions extends DiscreteOptions, ClipOptions {
  /** Whether the last step ends at ᾱ = 1, or at the ᾱ of timestep 0. */
  setAlphaToOne: boolean;
}

export interface DDIMStepOptions<A extends Sample = Sample> extends StepOptions<A> {
  /** 0 (the default) is deterministic, 1 has the variance of DDPM. */
  eta?: number;
  /** Derive ε anew from the clipped x0, as lucidrains' sampler does. */
  useClippedModelOutput?: boolean;
}

export const DDIM_DEFINITION: Definition<DDIMOptions> = {
  name: 'DDIMScheduler',
  defaults: { ...DISCRETE_DEFAULTS, ...CLIP_DEFAULTS, setAlphaToOne: true },
  choices: DISCRETE_CHOICES,
};

/** Song, Meng and Ermon, "Denoising Diffusion Implicit Models" (2021): fewer steps, deterministic where eta is 0. */
export class DDIMScheduler extends DiscreteScheduler<DDIMOptions> {
  /** ᾱ after the last step. */
  readonly finalAlphaCumprod: number;

  constructor(options: Partial<DDIMOptions> | SchedulerConfig = {}, definition = DDIM_DEFINITION) {
    super(definition, options);
    this.finalAlphaCumprod = this.options.setAlphaToOne ? 1 : this.alphasCumprod[0]!;
  }

  /**
   * The next listed timestep. diffusers takes t - T/n whatever the list, which is another one under `linspace` and for
   * lists of one's own (diffusers#12633); `matchDiffusers` repeats that.
   */
  override previousTimestep(t: number): number {
    if (!this.options.matchDiffusers) return super.previousTimestep(t);
    return t - Math.floor(this.options.numTrainTimesteps / this.numInferenceSteps!);
  }

  /** Equation 12 of the paper. @throws SchedulerError before `setTimesteps`. */
  step<A extends Sample>(modelOutput: A, t: Timestep, sample: A, options: DDIMStepOptions<A> = {}): StepResult<A> {
    if (this.numInferenceSteps === null) throw notStarted(String(this.config['_class_name']));
    const { eta = 0, useClippedModelOutput = false } = options;
    if (!(eta >= 0)) refuse({ argument: 'eta', value: eta, allowed: 'a number of 0 or more' });
    const ops = arithmeticOf(sample, options.shape);
    ops.check('modelOutput', modelOutput);
    return ops.scope(() => {
      const at = this.perTimestep(t, (one) => this.#coefficients(one, eta, useClippedModelOutput));
      const added: Term<A>[] = eta > 0 ? [[at.deviation, stepNoise(ops, options)]] : [];
      return stepByRule(ops, at, sample, modelOutput, this.options, added);
    });
  }

  /** σ² of equation 16 for eta = 1, between two timesteps; a negative `previous` stands for the end. */
  getVariance(t: number, previous: number): number {
    const { round } = this;
    const product = this.alphasCumprod.at(this.checkTimestep(t))!;
    const before = this.productAt(previous);
    return round(round(round(1 - before) / round(1 - product)) * round(1 - round(product / before)));
  }

  protected productAt(t: number): number {
    return t >= 0 ? this.alphasCumprod[t]! : this.finalAlphaCumprod;
  }

  /** The "predicted x0" of equation 12, and √ᾱ' x0 + √(1 - ᾱ' - σ²) ε with ε from the output, or from the clipped x0. */
  #coefficients(t: number, eta: number, isClipped: boolean) {
    const { round } = this;
    const previous = this.previousTimestep(t);
    const before = this.productAt(previous);
    const deviation = round(eta * round(Math.sqrt(this.getVariance(t, previous))));
    const { signal, noise } = this.forwardScales(t);
    const original = this.originalMix(t);
    // With eta = 1 and no signal at t the difference is 0, and rounding must not carry it below (diffusers#5969).
    const direction = Math.sqrt(Math.max(0, round(round(1 - before) - round(deviation ** 2))));
    const epsilon = isClipped
      ? { original: -signal / noise, sample: 1 / noise, output: 0 }
      : { original: 0, ...epsilonMix(this.options.predictionType, signal, noise) };
    return {
      originalSample: original.sample,
      originalOutput: original.output,
      original: round(Math.sqrt(before)) + direction * epsilon.original,
      sample: direction * epsilon.sample,
      output: direction * epsilon.output,
      deviation,
    };
  }
}
