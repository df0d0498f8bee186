import { arithmeticOf } from './arithmetic/choose.ts';
import type { Arithmetic } from './arithmetic/arithmetic.ts';
import type { Definition, SchedulerConfig } from './config.ts';
import { DISCRETE_CHOICES, checkLearned, notStarted } from './discrete.ts';
import { pointOf, type Point } from './dpm-update.ts';
import { refuse } from './errors.ts';
import { epsilonMix, mixed, originalMix, thresholdOriginal, type ClipOptions } from './prediction.ts';
import type { Sample, Timestep } from './sample.ts';
import { linspace, roundHalfEven } from './schedules/numeric.ts';
import { trailingTimesteps } from './schedules/timesteps.ts';
import { SIGMA_DEFAULTS, SigmaScheduler, namedSigmas, type Levels, type SigmaOptions } from './sigma-scheduler.ts';
import { checkStepCount, checkRequest, type TimestepRequest } from './timestep-request.ts';

/** Options of the solvers in λ = log(α/σ): DPM-Solver, DEIS, UniPC, SA-Solver. */
export interface LambdaOptions
  extends SigmaOptions, Pick<ClipOptions, 'thresholding' | 'dynamicThresholdingRatio' | 'sampleMaxValue'> {
  /** Levels of flow matching, α = 1 - σ. */
  useFlowSigmas: boolean;
  flowShift: number;
  /** The shift of flow levels depends on the picture: `mu` is given to `setTimesteps`. */
  useDynamicShifting: boolean;
  timeShiftType: 'exponential' | 'linear';
  /** Lower orders in the last steps, where there are fewer than 15: steadier. */
  lowerOrderFinal: boolean;
}

export const LAMBDA_DEFAULTS: LambdaOptions = {
  ...SIGMA_DEFAULTS,
  thresholding: false,
  dynamicThresholdingRatio: 0.995,
  sampleMaxValue: 1,
  useFlowSigmas: false,
  flowShift: 1,
  useDynamicShifting: false,
  timeShiftType: 'exponential',
  lowerOrderFinal: true,
};

export const LAMBDA_CHOICES = {
  ...DISCRETE_CHOICES,
  predictionType: ['epsilon', 'sample', 'v_prediction', 'flow_prediction'],
  timeShiftType: ['exponential', 'linear'],
} as const;

/** More than logarithms of noise levels in float32 leave of a timestep, and little beside one. */
const ROUNDING = 1e-4;

export interface ShiftOptions {
  /** log of the shift of flow levels, for models whose shift depends on the picture's size. */
  mu?: number;
}

/** A scheduler on samples of unit variance, x = α x0 + σ ε; `sigmas` holds σ/α (for flow levels σ itself). */
export abstract class LambdaScheduler<O extends LambdaOptions> extends SigmaScheduler<O> {
  protected flowShift: number;

  constructor(definition: Definition<O>, given: Partial<O> | SchedulerConfig) {
    super(definition, given);
    this.flowShift = this.options.flowShift;
  }

  override setTimesteps(request: TimestepRequest, { mu }: ShiftOptions = {}): void {
    const { useDynamicShifting, timeShiftType, flowShift } = this.options;
    if (mu !== undefined && !useDynamicShifting) {
      refuse({ argument: 'mu', value: mu, allowed: 'left out where useDynamicShifting is off' });
    }
    this.flowShift = mu === undefined ? flowShift : timeShiftType === 'exponential' ? Math.exp(mu) : mu;
    super.setTimesteps(request);
  }

  /**
   * Models of this family know whole timesteps only; the levels keep their fractions. One that misses a whole number by the
   * rounding of its logarithm alone, as the noisiest does in float32, is that number; diffusers takes the one below.
   */
  protected override timestepName(t: number): number {
    return Math.trunc(this.options.matchDiffusers ? t : t + ROUNDING);
  }

  /** The sample itself: it has unit variance already. */
  override scaleModelInput<A extends Sample>(sample: A): A {
    return sample;
  }

  override addNoise<A extends Sample>(original: A, noise: A, timesteps: Timestep): A {
    const at = this.atSigma(timesteps, (level) => {
      const { alpha, sigma } = this.pointAtSigma(level);
      return { alpha, sigma };
    });
    return arithmeticOf(original).combine([at.alpha, original], [at.sigma, noise]);
  }

  protected override scaleInitialNoise(): void {
    this.initNoiseSigma = 1;
  }

  /** α, σ and λ of the level at a position. */
  protected point(position: number): Point {
    return this.pointAtSigma(this.sigmas[position]!);
  }

  protected pointAtSigma(level: number): Point {
    const { round } = this;
    if (this.options.useFlowSigmas) return pointOf(round(1 - level), level);
    const alpha = round(1 / round(Math.sqrt(round(level ** 2 + 1))));
    return pointOf(alpha, round(level * alpha));
  }

  /** A step's position, once `setTimesteps` was called. */
  protected start(t: Timestep): number {
    if (this.numInferenceSteps === null) throw notStarted(String(this.config['_class_name']));
    return this.position(t);
  }

  /** The model's output as x0, thresholded, and as the ε that goes with it. */
  protected predictions<A extends Sample>(
    ops: Arithmetic<A>,
    modelOutput: A,
    sample: A,
    position: number,
    learned = false,
  ): { original: A; epsilon: () => A } {
    const { predictionType, thresholding } = this.options;
    const { alpha, sigma } = this.point(position);
    const output = checkLearned(modelOutput, ops, learned) ? ops.split(modelOutput)[0] : modelOutput;
    const estimate = mixed(ops, originalMix(predictionType, alpha, sigma), sample, output);
    if (!thresholding) {
      return {
        original: estimate,
        epsilon: () => mixed(ops, epsilonMix(predictionType, alpha, sigma), sample, output),
      };
    }
    const original = thresholdOriginal(ops, estimate, this.options);
    return { original, epsilon: () => ops.combine([1 / sigma, sample], [-alpha / sigma, original]) };
  }

  /** `count` + 1 whole timesteps below `last` without the last one, from noisy to clean. */
  protected outerTimesteps(count: number, last: number): Float64Array {
    const { timestepSpacing, stepsOffset, numTrainTimesteps, matchDiffusers } = this.options;
    switch (timestepSpacing) {
      case 'linspace':
        return linspace(0, last - 1, count + 1)
          .map(roundHalfEven)
          .reverse()
          .subarray(0, count);
      case 'leading': {
        const ratio = Math.floor(last / (count + 1));
        return Float64Array.from({ length: count }, (_, i) => (count - i) * ratio + stepsOffset);
      }
      case 'trailing':
        return trailingTimesteps(last, numTrainTimesteps / count, matchDiffusers);
    }
  }

  /** Where λ is cut off: timesteps with λ below `least` are left out. */
  protected clippedTimesteps(least: number): number {
    const lambdas = this.alphasCumprod.map((product) => 0.5 * Math.log(product / (1 - product)));
    return this.options.numTrainTimesteps - lambdas.filter((lambda) => lambda < least).length;
  }

  /** A named schedule over all trained levels with its timesteps, or undefined where none is asked for. */
  protected namedLevels(count: number): Levels | undefined {
    const range = { sigmaMin: this.trainedSigmas[0]!, sigmaMax: this.trainedSigmas.at(-1)! };
    const sigmas = namedSigmas(count, range, this.options);
    if (sigmas === undefined) return undefined;
    const timesteps = sigmas.map((sigma) => this.timestepOf(sigma));
    return { sigmas, timesteps: this.options.useKarrasSigmas ? timesteps.map(roundHalfEven) : timesteps };
  }

  /** Flow levels from nearly 1 down, shifted towards noise by `flowShift` (Esser et al. 2024, equation 23). */
  protected flowLevels(count: number): Levels {
    const { numTrainTimesteps } = this.options;
    const shift = this.flowShift;
    const even = linspace(1, 1 / numTrainTimesteps, count + 1).map((alpha) => 1 - alpha);
    const sigmas = even
      .map((sigma) => (shift * sigma) / (1 + (shift - 1) * sigma))
      .reverse()
      .subarray(0, count);
    return { sigmas, timesteps: sigmas.map((sigma) => sigma * numTrainTimesteps) };
  }

  /** Levels of a step count, ending with their own last level, or with the least trained one where spaced plainly. */
  protected repeatedLevels(request: TimestepRequest, last: number): Levels {
    const count = this.countOf(request);
    const chosen = this.namedLevels(count) ?? (this.options.useFlowSigmas ? this.flowLevels(count) : undefined);
    if (chosen !== undefined) return withFinal(chosen, chosen.sigmas.at(-1)!);
    const timesteps = this.outerTimesteps(count, last);
    return withFinal({ timesteps, sigmas: this.sigmasAt(timesteps) }, this.trainedSigmas[0]!);
  }

  /** The step count of a request that has to be one. */
  protected countOf(request: TimestepRequest): number {
    checkRequest(request);
    return checkStepCount(request, this.options.numTrainTimesteps);
  }
}

export function withFinal({ timesteps, sigmas }: Levels, final: number): Levels {
  return { timesteps, sigmas: Float64Array.of(...sigmas, final) };
}

/** Solver orders are whole numbers from 1 to `most`. */
export function checkOrder(argument: string, value: number, most: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= most) return;
  refuse({ argument, value, allowed: `an integer from 1 to ${most}` });
}

/** Noise predictions have no end at σ = 0: `because` is the setting that asks for them. */
export function refuseZeroEnd(because: string): never {
  const remedy = `${because} integrates noise predictions, which have no end at σ = 0`;
  return refuse({ argument: 'finalSigmasType', value: 'zero', allowed: "'sigma_min'", remedy });
}
