import { arithmeticOf } from './arithmetic/choose.ts';
import type { Coefficient } from './arithmetic/arithmetic.ts';
import type { Definition, SchedulerConfig } from './config.ts';
import { DISCRETE_DEFAULTS, DiscreteScheduler, type DiscreteOptions } from './discrete.ts';
import { refuse } from './errors.ts';
import type { Mix, PredictionType } from './prediction.ts';
import type { Sample, Timestep } from './sample.ts';
import { interpolate } from './schedules/numeric.ts';
import { betaSigmas, exponentialSigmas, karrasSigmas, sigmaToTimestep, type SigmaRange } from './schedules/sigmas.ts';
import { fractionalTimesteps } from './schedules/timesteps.ts';
import { checkStepCount, checkFalling, checkRequest, type TimestepRequest } from './timestep-request.ts';

/** Options of schedulers in the variance-exploding picture x = x0 + σ ε. */
export interface SigmaOptions extends DiscreteOptions {
  useKarrasSigmas: boolean;
  useExponentialSigmas: boolean;
  useBetaSigmas: boolean;
}

export const SIGMA_DEFAULTS: SigmaOptions = {
  ...DISCRETE_DEFAULTS,
  timestepSpacing: 'linspace',
  useKarrasSigmas: false,
  useExponentialSigmas: false,
  useBetaSigmas: false,
};

/** Noise levels and the timesteps that the model knows them by. */
export interface Levels {
  timesteps: Float64Array;
  sigmas: Float64Array;
}

/**
 * A scheduler on noise levels σ = √((1-ᾱ)/ᾱ): the sample is x0 + σ ε, and `scaleModelInput` brings it to the unit variance
 * that the model was trained on. Timesteps may be fractional; tables are interpolated there.
 */
export abstract class SigmaScheduler<O extends SigmaOptions> extends DiscreteScheduler<O> {
  /** Noise levels of the steps, and the one the last step ends at. */
  sigmas: Float64Array;
  /** σ of every trained timestep. */
  protected readonly trainedSigmas: Float64Array;
  #logSigmas: Float64Array | undefined;

  constructor(definition: Definition<O>, given: Partial<O> | SchedulerConfig) {
    super(definition, given);
    checkOneSchedule(this.options);
    this.trainedSigmas = trainedSigmas(this.alphasCumprod, this.options.rescaleBetasZeroSnr, this.round);
    this.sigmas = Float64Array.of(...this.trainedSigmas.toReversed(), 0);
    this.scaleInitialNoise();
  }

  override setTimesteps(request: TimestepRequest): void {
    const levels = this.levels(request);
    this.timesteps = levels.timesteps.map((t) => this.timestepName(t));
    this.sigmas = levels.sigmas.map(this.round);
    this.numInferenceSteps = this.timesteps.length;
    this.scaleInitialNoise();
    this.reset();
  }

  /** x / √(σ² + 1), which has unit variance where the data has. */
  override scaleModelInput<A extends Sample>(sample: A, t: Timestep): A {
    const { scale } = this.atSigma(t, (sigma) => ({ scale: 1 / this.round(Math.sqrt(this.round(sigma ** 2 + 1))) }));
    return arithmeticOf(sample).combine([scale, sample]);
  }

  /** x0 + σ ε at one of the listed timesteps, or one per item. */
  override addNoise<A extends Sample>(original: A, noise: A, timesteps: Timestep): A {
    const { sigma } = this.atSigma(timesteps, (one) => ({ sigma: one }));
    return arithmeticOf(original).combine([1, original], [sigma, noise]);
  }

  /** What the model is told for a timestep, which may be fractional. */
  protected timestepName(t: number): number {
    return this.round(t);
  }

  /** The levels of a request; most schedulers end them with 0. */
  protected levels(request: TimestepRequest): Levels {
    const { timesteps, sigmas } = this.spacedLevels(request);
    return { timesteps, sigmas: Float64Array.of(...sigmas, 0) };
  }

  /** Timesteps as spaced or given, their interpolated σ, and what a named schedule makes of them. */
  protected spacedLevels(request: TimestepRequest, bounds: Partial<SigmaRange> = {}): Levels {
    const { numTrainTimesteps, matchDiffusers } = this.options;
    checkRequest(request, 'timesteps');
    if (typeof request === 'number') {
      checkStepCount(request, numTrainTimesteps);
      const timesteps = fractionalTimesteps(request, this.options, matchDiffusers).map(this.round);
      return this.scheduled({ timesteps, sigmas: this.sigmasAt(timesteps) }, bounds);
    }
    refuseNamed(this.options);
    const timesteps = checkFalling('timesteps', request.timesteps, numTrainTimesteps - 1);
    return { timesteps, sigmas: this.sigmasAt(timesteps) };
  }

  protected sigmasAt(timesteps: Float64Array): Float64Array {
    const trained = this.trainedSigmas;
    const positions = Float64Array.from(trained, (_, i) => i);
    return timesteps.map((t) => interpolate(t, positions, trained));
  }

  /** Replaces levels by Karras', exponential or beta ones between their ends, if the options say so. */
  protected scheduled(levels: Levels, bounds: Partial<SigmaRange> = {}): Levels {
    const { timesteps, sigmas } = levels;
    const range = { sigmaMin: bounds.sigmaMin ?? sigmas.at(-1)!, sigmaMax: bounds.sigmaMax ?? sigmas[0]! };
    const replaced = namedSigmas(timesteps.length, range, this.options);
    if (replaced === undefined) return levels;
    return { timesteps: replaced.map((sigma) => this.timestepOf(sigma)), sigmas: replaced };
  }

  /** The timestep that the model knows a level by. */
  protected timestepOf(sigma: number): number {
    this.#logSigmas ??= this.trainedSigmas.map((one) => this.round(Math.log(one)));
    return sigmaToTimestep(sigma, this.#logSigmas);
  }

  /** The standard deviation sampling starts from: σ_max, or √(σ_max² + 1) where the first timestep still holds signal. */
  protected scaleInitialNoise(): void {
    const largest = this.round(Math.max(...this.sigmas));
    const signal = this.options.timestepSpacing === 'leading' ? 1 : 0;
    this.initNoiseSigma = signal === 0 ? largest : this.round(Math.sqrt(this.round(largest ** 2 + 1)));
  }

  /** Numbers that follow from σ at t, or vectors of them where every item has its own t. */
  protected atSigma<K extends string>(t: Timestep, of: (sigma: number) => Record<K, number>): Record<K, Coefficient> {
    return this.perPosition(t, (position) => of(this.sigmas[position]!));
  }
}

/** x0 as a mix of the sample x0 + σ ε and the model's output, whose v is that of the unit-variance sample. */
export function sigmaOriginalMix(type: PredictionType, sigma: number): Mix {
  switch (type) {
    case 'epsilon':
    case 'flow_prediction':
      return { sample: 1, output: -sigma };
    case 'sample':
      return { sample: 0, output: 1 };
    case 'v_prediction':
      return { sample: 1 / (sigma ** 2 + 1), output: -sigma / Math.sqrt(sigma ** 2 + 1) };
  }
}

/** √((1-ᾱ)/ᾱ); with zero terminal SNR the last ᾱ is taken as 2^-24, which keeps σ finite. */
export function trainedSigmas(
  products: Float64Array,
  zeroSnr: boolean,
  round: (value: number) => number,
): Float64Array {
  return products.map((product, i) => {
    const kept = zeroSnr && i === products.length - 1 ? 2 ** -24 : product;
    return round(Math.sqrt(round(round(1 - kept) / kept)));
  });
}

/** Karras', exponential or beta levels, where the options ask for them. */
export function namedSigmas(
  count: number,
  range: SigmaRange,
  options: Pick<SigmaOptions, 'useKarrasSigmas' | 'useExponentialSigmas' | 'useBetaSigmas'>,
): Float64Array | undefined {
  if (options.useKarrasSigmas) return karrasSigmas(count, range);
  if (options.useExponentialSigmas) return exponentialSigmas(count, range);
  if (options.useBetaSigmas) return betaSigmas(count, range);
  return undefined;
}

/** At most one of the named schedules may be on. */
export function checkOneSchedule(
  options: Pick<SigmaOptions, 'useKarrasSigmas' | 'useExponentialSigmas' | 'useBetaSigmas'>,
): void {
  const on = (['useKarrasSigmas', 'useExponentialSigmas', 'useBetaSigmas'] as const).filter((key) => options[key]);
  if (on.length > 1) refuse({ argument: on[1]!, value: true, allowed: `off where ${on[0]} is on` });
}

/** Schedules that lay down levels of their own, and so leave no choice of timesteps. */
const LEVEL_SCHEDULES = [
  'useKarrasSigmas',
  'useExponentialSigmas',
  'useBetaSigmas',
  'useLuLambdas',
  'useFlowSigmas',
] as const;

/** Refuses chosen timesteps where a schedule of levels is on. */
export function refuseNamed(options: Partial<Record<(typeof LEVEL_SCHEDULES)[number], boolean>>): void {
  const on = LEVEL_SCHEDULES.find((key) => options[key] === true);
  if (on !== undefined) refuse({ argument: on, value: true, allowed: 'off where timesteps are given' });
}
