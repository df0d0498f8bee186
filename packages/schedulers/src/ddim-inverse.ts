import { arithmeticOf } from './arithmetic/choose.ts';
import type { Definition, SchedulerConfig } from './config.ts';
import {
  DISCRETE_CHOICES,
  DISCRETE_DEFAULTS,
  DiscreteScheduler,
  notStarted,
  type DiscreteOptions,
} from './discrete.ts';
import { refuse } from './errors.ts';
import { CLIP_DEFAULTS, clipOriginal, epsilonMix, mixed, originalMix, type ClipOptions } from './prediction.ts';
import type { Sample, Timestep } from './sample.ts';
import type { StepOptions, StepResult } from './scheduler.ts';
import type { TimestepRequest } from './timestep-request.ts';

export interface DDIMInverseOptions extends DiscreteOptions, ClipOptions {
  /** Whether the way begins at ᾱ = 1, or at the ᾱ of timestep 0. */
  setAlphaToOne: boolean;
}

const DEFINITION: Definition<DDIMInverseOptions> = {
  name: 'DDIMInverseScheduler',
  defaults: { ...DISCRETE_DEFAULTS, ...CLIP_DEFAULTS, setAlphaToOne: true },
  choices: { ...DISCRETE_CHOICES, timestepSpacing: ['leading', 'trailing'] },
  hidden: ['thresholding', 'dynamicThresholdingRatio', 'sampleMaxValue'],
};

/** DDIM's ODE run from a picture to its noise (Song, Meng and Ermon 2021, section 4.3): timesteps rise. */
export class DDIMInverseScheduler extends DiscreteScheduler<DDIMInverseOptions> {
  /** ᾱ where the way begins. */
  readonly initialAlphaCumprod: number;

  constructor(options: Partial<DDIMInverseOptions> | SchedulerConfig = {}) {
    super(DEFINITION, options);
    this.initialAlphaCumprod = this.options.setAlphaToOne ? 1 : this.alphasCumprod[0]!;
    this.timesteps.reverse();
  }

  override setTimesteps(request: TimestepRequest): void {
    super.setTimesteps(request);
    this.timesteps.reverse();
  }

  /**
   * The listed timestep before t on the way to noise, where the sample stands; -1 before the first. diffusers takes t - T/n
   * whatever the list, and `matchDiffusers` repeats that.
   */
  override previousTimestep(t: number): number {
    const { matchDiffusers, numTrainTimesteps } = this.options;
    if (matchDiffusers) return t - Math.floor(numTrainTimesteps / this.numInferenceSteps!);
    return this.timesteps.findLast((listed) => listed < t) ?? -1;
  }

  /** Equation 13 with the steps turned round: from the timestep before t to t. */
  step<A extends Sample>(modelOutput: A, t: Timestep, sample: A, options: StepOptions<A> = {}): StepResult<A> {
    if (this.numInferenceSteps === null) throw notStarted('DDIMInverseScheduler');
    const ops = arithmeticOf(sample, options.shape);
    return ops.scope(() => {
      const at = this.perTimestep(t, (one) => this.#coefficients(one));
      const originalOf = { sample: at.originalSample, output: at.originalOutput };
      const epsilonOf = { sample: at.epsilonSample, output: at.epsilonOutput };
      const predOriginalSample = clipOriginal(ops, mixed(ops, originalOf, sample, modelOutput), this.options);
      const epsilon = mixed(ops, epsilonOf, sample, modelOutput);
      return { prevSample: ops.combine([at.signal, predOriginalSample], [at.noise, epsilon]), predOriginalSample };
    });
  }

  #coefficients(t: number) {
    const { round } = this;
    const before = this.previousTimestep(t);
    const product = before >= 0 ? this.alphasCumprod[before]! : this.initialAlphaCumprod;
    const [alpha, sigma] = [round(Math.sqrt(product)), round(Math.sqrt(round(1 - product)))];
    if (sigma === 0 && this.options.predictionType === 'sample') {
      const allowed = "false where predictionType is 'sample': a sample without noise tells nothing about ε";
      refuse({ argument: 'setAlphaToOne', value: true, allowed });
    }
    const original = originalMix(this.options.predictionType, alpha, sigma);
    const epsilon = epsilonMix(this.options.predictionType, alpha, sigma);
    return {
      ...this.forwardScales(t),
      originalSample: original.sample,
      originalOutput: original.output,
      epsilonSample: epsilon.sample,
      epsilonOutput: epsilon.output,
    };
  }
}
