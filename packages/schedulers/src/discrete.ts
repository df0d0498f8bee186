import { arithmeticOf } from './arithmetic/choose.ts';
import type { Arithmetic, Coefficient } from './arithmetic/arithmetic.ts';
import type { Definition, SchedulerConfig } from './config.ts';
import { SchedulerError, refuse } from './errors.ts';
import { PREDICTION_TYPES, originalMix, type Mix, type PredictionType } from './prediction.ts';
import type { Sample, Timestep } from './sample.ts';
import { BETA_SCHEDULES, noiseTables, type BetaOptions, type NoiseTables } from './schedules/betas.ts';
import { TIMESTEP_SPACINGS, spacedTimesteps, type SpacingOptions } from './schedules/timesteps.ts';
import { COMMON_DEFAULTS, Scheduler, type CommonOptions } from './scheduler.ts';
import { checkStepCount, checkTimesteps, checkRequest, type TimestepRequest } from './timestep-request.ts';

/** Options of schedulers of a discrete chain x_t = √ᾱ_t x0 + √(1-ᾱ_t) ε. */
export interface DiscreteOptions extends CommonOptions, BetaOptions, SpacingOptions {
  predictionType: PredictionType;
}

export const DISCRETE_DEFAULTS: DiscreteOptions = {
  ...COMMON_DEFAULTS,
  numTrainTimesteps: 1000,
  betaStart: 1e-4,
  betaEnd: 0.02,
  betaSchedule: 'linear',
  trainedBetas: null,
  rescaleBetasZeroSnr: false,
  timestepSpacing: 'leading',
  stepsOffset: 0,
  predictionType: 'epsilon',
};

export const DISCRETE_CHOICES = {
  precision: ['float64', 'float32'],
  betaSchedule: BETA_SCHEDULES,
  timestepSpacing: TIMESTEP_SPACINGS,
  predictionType: PREDICTION_TYPES,
} as const;

/** A scheduler of a discrete chain: noise tables, spaced or chosen timesteps, and the forward process. */
export abstract class DiscreteScheduler<O extends DiscreteOptions> extends Scheduler<O> implements NoiseTables {
  readonly betas: Float64Array;
  readonly alphas: Float64Array;
  readonly alphasCumprod: Float64Array;
  /** The step count of the last `setTimesteps`, or null before it. */
  numInferenceSteps: number | null = null;

  constructor(definition: Definition<O>, given: Partial<O> | SchedulerConfig) {
    super(definition, given);
    const total = this.options.trainedBetas?.length ?? this.options.numTrainTimesteps;
    const tables = noiseTables(this.options);
    this.betas = tables.betas;
    this.alphas = tables.alphas;
    this.alphasCumprod = tables.alphasCumprod;
    this.timesteps = Float64Array.from({ length: total }, (_, i) => total - 1 - i);
  }

  /**
   * Chooses the timesteps to visit: a number of them, spaced as `timestepSpacing` says, or the list itself.
   *
   * @throws SchedulerError for a count below 1 or above the trained timesteps, and for a list that does not fall or leaves them.
   */
  setTimesteps(request: TimestepRequest): void {
    const { numTrainTimesteps, matchDiffusers } = this.options;
    checkRequest(request, 'timesteps');
    if (typeof request === 'number') {
      const count = checkStepCount(request, numTrainTimesteps);
      this.timesteps = spacedTimesteps(count, this.options, matchDiffusers);
    } else this.timesteps = checkTimesteps(request.timesteps, numTrainTimesteps);
    this.numInferenceSteps = typeof request === 'number' ? request : this.timesteps.length;
    this.reset();
  }

  /** The timestep after t on the way to clean: the next listed one, and -1 after the last. */
  previousTimestep(t: number): number {
    return this.timesteps.find((listed) => listed < t) ?? -1;
  }

  /** x_t = √ᾱ_t x0 + √(1-ᾱ_t) ε, at one timestep or one per item (Ho et al. 2020, equation 4). */
  addNoise<A extends Sample>(original: A, noise: A, timesteps: Timestep): A {
    const { signal, noise: sigma } = this.perTimestep(timesteps, (t) => this.forwardScales(t));
    return arithmeticOf(original).combine([signal, original], [sigma, noise]);
  }

  /** v = √ᾱ_t ε - √(1-ᾱ_t) x0 (Salimans and Ho, "Progressive Distillation", 2022, appendix D). */
  getVelocity<A extends Sample>(original: A, noise: A, timesteps: Timestep): A {
    const { signal, sigma } = this.perTimestep(timesteps, (t) => {
      const scales = this.forwardScales(t);
      return { signal: scales.signal, sigma: -scales.noise };
    });
    return arithmeticOf(original).combine([signal, noise], [sigma, original]);
  }

  /** √ᾱ_t and √(1-ᾱ_t). */
  protected forwardScales(t: number): { signal: number; noise: number } {
    const product = this.alphasCumprod.at(t)!;
    return { signal: this.round(Math.sqrt(product)), noise: this.round(Math.sqrt(this.round(1 - product))) };
  }

  /** x0 as a mix of sample and output at timestep t; refuses to divide by a vanished signal. */
  protected originalMix(t: number): Mix {
    const { signal, noise } = this.forwardScales(t);
    if (signal === 0 && this.options.predictionType === 'epsilon') throw zeroSignal(t);
    return originalMix(this.options.predictionType, signal, noise);
  }

  /** Coefficients at a timestep, or vectors of them at a timestep per item. */
  protected perTimestep<K extends string>(t: Timestep, at: (t: number) => Record<K, number>): Record<K, Coefficient> {
    return this.perItem(t, (one) => at(this.checkTimestep(one)));
  }

  protected checkTimestep(t: number): number {
    // diffusers' trailing lists may end in -1, which Python's indexing takes for the last entry, as `at` does.
    const least = this.options.matchDiffusers ? -1 : 0;
    if (Number.isInteger(t) && t >= least && t < this.alphasCumprod.length) return t;
    return refuse({ argument: 't', value: t, allowed: `an integer from 0 to ${this.alphasCumprod.length - 1}` });
  }
}

/** Refuses to step before `setTimesteps`. */
export function notStarted(name: string): SchedulerError {
  return new SchedulerError(
    'SCHEDULER_NO_TIMESTEPS',
    `${name}.step() was called before setTimesteps(): call that first.`,
  );
}

function zeroSignal(t: number): SchedulerError {
  return new SchedulerError(
    'SCHEDULER_ZERO_SNR',
    `At timestep ${t} the sample holds no signal (zero terminal SNR), so x0 cannot be found from predicted noise. ` +
      "Use a model with predictionType 'v_prediction' or 'sample', or leave rescaleBetasZeroSnr off.",
  );
}

/** Refuses a model output whose last axis is twice the sample's where no variance is learned. */
export function checkLearned<A extends Sample>(modelOutput: A, ops: Arithmetic<A>, learned: boolean): boolean {
  const size = ops.shape.reduce((product, side) => product * side, 1);
  const outputs = 'size' in modelOutput ? modelOutput.size : modelOutput.length;
  if (outputs === 2 * size && !learned) {
    const allowed = "of the sample's shape, unless varianceType is learned or learned_range";
    refuse({ argument: 'modelOutput', value: modelOutput, allowed });
  }
  return outputs === 2 * size;
}
