import { arithmeticOf } from './arithmetic/choose.ts';
import type { Coefficient } from './arithmetic/arithmetic.ts';
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
import { CLIP_DEFAULTS, clipOriginal, mixed, type ClipOptions } from './prediction.ts';
import type { Sample, Timestep } from './sample.ts';
import { type StepOptions, type StepResult } from './scheduler.ts';
import { checkStepCount, checkRequest, checkTimesteps, type TimestepRequest } from './timestep-request.ts';

export interface DistilledOptions extends DiscreteOptions, ClipOptions {
  /** Steps of the schedule that the model was distilled on; the steps taken are a subset of them. */
  originalInferenceSteps: number;
  setAlphaToOne: boolean;
  /** Scales timesteps in the boundary condition; the larger, the closer c_out is to 1. */
  timestepScaling: number;
}

export interface DistilledTimestepOptions {
  originalInferenceSteps?: number;
  /** Image-to-image: only the last part of the schedule, in [0, 1]. */
  strength?: number;
}

export const DISTILLED_DEFAULTS: DistilledOptions = {
  ...DISCRETE_DEFAULTS,
  ...CLIP_DEFAULTS,
  betaStart: 0.00085,
  betaEnd: 0.012,
  betaSchedule: 'scaled_linear',
  clipSample: false,
  originalInferenceSteps: 50,
  setAlphaToOne: true,
  timestepScaling: 10,
};

const DEFINITION: Definition<DistilledOptions> = {
  name: 'LCMScheduler',
  defaults: DISTILLED_DEFAULTS,
  choices: DISCRETE_CHOICES,
};

/** What LCM and TCD share: timesteps chosen among those of the distillation. */
export abstract class DistilledScheduler extends DiscreteScheduler<DistilledOptions> {
  /** ᾱ after the last step. */
  readonly finalAlphaCumprod: number;
  /** How many timesteps were listed, of which `strength` kept the last. */
  protected listedSteps = 0;

  constructor(definition: Definition<DistilledOptions>, options: Partial<DistilledOptions> | SchedulerConfig) {
    super(definition, options);
    this.finalAlphaCumprod = this.options.setAlphaToOne ? 1 : this.alphasCumprod[0]!;
  }

  override setTimesteps(request: TimestepRequest, options: DistilledTimestepOptions = {}): void {
    checkRequest(request, 'timesteps');
    const { numTrainTimesteps } = this.options;
    const strength = options.strength ?? 1;
    if (!(strength > 0 && strength <= 1))
      refuse({ argument: 'strength', value: strength, allowed: 'a number in (0, 1]' });
    const original = checkStepCount(
      options.originalInferenceSteps ?? this.options.originalInferenceSteps,
      numTrainTimesteps,
    );
    if (typeof request === 'object') {
      const list = checkTimesteps(request.timesteps, numTrainTimesteps);
      this.listedSteps = list.length;
      const kept = Math.min(Math.floor(list.length * strength), list.length);
      this.timesteps = list.slice(list.length - kept);
    } else {
      super.setTimesteps(request);
      const known = this.distilledTimesteps(original, strength, options.originalInferenceSteps !== undefined);
      const count = request;
      if (count > known.length) {
        const allowed = `at most ${known.length}, the steps of the distillation times \`strength\``;
        refuse({ argument: 'numInferenceSteps', value: count, allowed });
      }
      this.timesteps = Float64Array.from({ length: count }, (_, i) => known[Math.floor(i * (known.length / count))]!);
    }
    this.numInferenceSteps = this.timesteps.length;
    if (typeof request === 'number') this.listedSteps = request;
    this.reset();
  }

  /** The timesteps of the distillation, from noisy to clean. */
  protected distilledTimesteps(original: number, strength: number, _isGiven: boolean): number[] {
    const stride = Math.floor(this.options.numTrainTimesteps / original);
    const count = Math.floor(original * strength);
    return Array.from({ length: count }, (_, i) => (count - i) * stride - 1);
  }
}

/**
 * Latent consistency models (Luo et al., "Latent Consistency Models: Synthesizing High-Resolution Images with Few-Step
 * Inference", 2023, algorithm 3): the model's x0, then noise to the next timestep.
 */
export class LCMScheduler extends DistilledScheduler {
  constructor(options: Partial<DistilledOptions> | SchedulerConfig = {}) {
    super(DEFINITION, options);
  }

  /** `predOriginalSample` is the consistency function c_skip x + c_out x0. No noise is added in the last step. */
  step<A extends Sample>(modelOutput: A, t: Timestep, sample: A, options: StepOptions<A> = {}): StepResult<A> {
    if (this.numInferenceSteps === null) throw notStarted('LCMScheduler');
    const ops = arithmeticOf(sample, options.shape);
    const result = ops.scope(() => {
      const at = this.perPosition(t, (position) => this.#coefficients(position));
      const mix = { sample: at.mixSample, output: at.mixOutput };
      const original = clipOriginal(ops, mixed(ops, mix, sample, modelOutput), this.options);
      const predOriginalSample = ops.combine([at.out, original], [at.skip, sample]);
      const terms: [Coefficient, A][] = [[at.signal, predOriginalSample]];
      if (at.noise !== 0) terms.push([at.noise, stepNoise(ops, options)]);
      return { prevSample: ops.combine(...terms), predOriginalSample };
    });
    this.follow(t);
    return result;
  }

  #coefficients(position: number) {
    const t = this.timesteps[position]!;
    const mix = this.originalMix(t);
    // Boundary condition with σ_data = 0.5, equation 9.
    const scaled = t * this.options.timestepScaling;
    const common = scaled ** 2 + 0.25;
    const next = this.timesteps[position + 1];
    // diffusers takes the last step of a list that `strength` shortened for one in its middle, and noises back to t.
    const isMistaken = this.options.matchDiffusers && position !== this.listedSteps - 1;
    const target = next ?? (isMistaken ? t : undefined);
    const ahead = target === undefined ? { signal: 1, noise: 0 } : this.forwardScales(target);
    return {
      mixSample: mix.sample,
      mixOutput: mix.output,
      skip: 0.25 / common,
      out: scaled / Math.sqrt(common),
      ...ahead,
    };
  }
}
