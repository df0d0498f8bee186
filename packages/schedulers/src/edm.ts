import { arithmeticOf } from './arithmetic/choose.ts';
import type { Definition, SchedulerConfig } from './config.ts';
import { refuse } from './errors.ts';
import type { Mix } from './prediction.ts';
import type { Round } from './precision.ts';
import type { Sample, Timestep } from './sample.ts';
import { COMMON_DEFAULTS, Scheduler, type CommonOptions } from './scheduler.ts';
import { checkStepCount, checkFalling, checkRequest, type TimestepRequest } from './timestep-request.ts';

export interface EdmOptions extends CommonOptions {
  sigmaMin: number;
  sigmaMax: number;
  sigmaData: number;
  sigmaSchedule: 'karras' | 'exponential';
  numTrainTimesteps: number;
  /** `epsilon` stands for EDM's own F; `v_prediction` turns its sign. */
  predictionType: 'epsilon' | 'v_prediction';
  rho: number;
  finalSigmasType: 'zero' | 'sigma_min';
}

export const EDM_DEFAULTS: EdmOptions = {
  ...COMMON_DEFAULTS,
  sigmaMin: 0.002,
  sigmaMax: 80,
  sigmaData: 0.5,
  sigmaSchedule: 'karras',
  numTrainTimesteps: 1000,
  predictionType: 'epsilon',
  rho: 7,
  finalSigmasType: 'zero',
};

export const EDM_CHOICES = {
  precision: ['float64', 'float32'],
  sigmaSchedule: ['karras', 'exponential'],
  predictionType: ['epsilon', 'v_prediction'],
  finalSigmasType: ['zero', 'sigma_min'],
} as const;

/** A scheduler for networks with EDM's preconditioning (Karras et al. 2022, table 1); timesteps are c_noise = log(σ)/4. */
export abstract class EdmScheduler<O extends EdmOptions> extends Scheduler<O> {
  /** Noise levels of the steps, and the one at the end. */
  sigmas: Float64Array = new Float64Array();
  /** The step count of the last `setTimesteps`, or null before it. */
  numInferenceSteps: number | null = null;

  constructor(definition: Definition<O>, given: Partial<O> | SchedulerConfig) {
    super(definition, given);
    this.initNoiseSigma = Math.sqrt(this.options.sigmaMax ** 2 + 1);
  }

  /** A number of steps, or the noise levels themselves (the end is appended). */
  setTimesteps(request: TimestepRequest): void {
    checkRequest(request, 'sigmas');
    if (typeof request === 'number') {
      const count = checkStepCount(request);
      this.useLevels(
        Float64Array.from({ length: count }, (_, i) => (count === 1 ? 0 : i / (count - 1))),
        true,
      );
    } else this.useLevels(checkPositive(checkFalling('sigmas', request.sigmas)), false);
    this.numInferenceSteps = this.timesteps.length;
    this.reset();
  }

  /** c_in x. */
  override scaleModelInput<A extends Sample>(sample: A, t: Timestep): A {
    const { scale } = this.perPosition(t, (position) => ({
      scale: 1 / Math.sqrt(this.sigmas[position]! ** 2 + this.options.sigmaData ** 2),
    }));
    return arithmeticOf(sample).combine([scale, sample]);
  }

  addNoise<A extends Sample>(original: A, noise: A, timesteps: Timestep): A {
    const { sigma } = this.perPosition(timesteps, (position) => ({ sigma: this.sigmas[position]! }));
    return arithmeticOf(original).combine([1, original], [sigma, noise]);
  }

  /** x0 = c_skip x + c_out F. */
  protected denoisedMix(sigma: number): Mix {
    const { sigmaData, predictionType } = this.options;
    const common = sigma ** 2 + sigmaData ** 2;
    const out = (sigma * sigmaData) / Math.sqrt(common);
    return { sample: sigmaData ** 2 / common, output: predictionType === 'epsilon' ? out : -out };
  }

  /** The level that a loop with `finalSigmasType: 'sigma_min'` ends at. */
  protected abstract leastSigma(levels: Float64Array): number;

  /** Takes levels, or positions in [0, 1] along the schedule, which `isRamp` says. */
  protected useLevels(values: Float64Array, isRamp: boolean): void {
    const { finalSigmasType } = this.options;
    const levels = (isRamp ? edmLevels(values, this.options, this.round) : values).map(this.round);
    this.timesteps = levels.map((sigma) => this.round(0.25 * this.round(Math.log(sigma))));
    this.sigmas = Float64Array.of(...levels, finalSigmasType === 'zero' ? 0 : this.leastSigma(levels));
  }
}

/** Noise levels at positions in [0, 1]: Karras' of `rho`, or exponential ones, which take as many even steps as there are positions. */
function edmLevels(ramp: Float64Array, options: EdmOptions, round: Round): Float64Array {
  const { sigmaMin, sigmaMax, rho, sigmaSchedule } = options;
  if (sigmaSchedule === 'karras') {
    const [low, high] = [sigmaMin ** (1 / rho), sigmaMax ** (1 / rho)];
    return ramp.map((position) => (high + position * (low - high)) ** rho);
  }
  const [low, high] = [Math.log(sigmaMin), Math.log(sigmaMax)];
  const last = Math.max(ramp.length - 1, 1);
  // diffusers turns round a list that rises, and that of one step holds the least level only.
  if (ramp.length === 1 && options.matchDiffusers) return Float64Array.of(Math.exp(round(low)));
  return ramp.map((_, i) => Math.exp(round(high - (i / last) * (high - low))));
}

/** Levels of steps, whose names log(σ)/4 do not exist at 0: the end is appended. */
function checkPositive(sigmas: Float64Array): Float64Array {
  if (sigmas.at(-1)! > 0) return sigmas;
  return refuse({
    argument: 'sigmas',
    value: sigmas,
    allowed: 'above 0 everywhere',
    remedy: 'leave out the 0 at the end',
  });
}
