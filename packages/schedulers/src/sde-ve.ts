import { arithmeticOf } from './arithmetic/choose.ts';
import type { Arithmetic } from './arithmetic/arithmetic.ts';
import type { Definition, SchedulerConfig } from './config.ts';
import { refuse } from './errors.ts';
import { stepNoise } from './noise.ts';
import type { Sample, Timestep } from './sample.ts';
import { COMMON_DEFAULTS, Scheduler, type CommonOptions, type StepOptions, type StepResult } from './scheduler.ts';
import { torchLinspace } from './schedules/numeric.ts';
import { checkStepCount, checkRequest, type TimestepRequest } from './timestep-request.ts';

export interface ScoreSdeVeOptions extends CommonOptions {
  numTrainTimesteps: number;
  /** Signal-to-noise ratio of the corrector, r in the paper. */
  snr: number;
  sigmaMin: number;
  sigmaMax: number;
  /** The last time; times run from 1 to it. */
  samplingEps: number;
  /** Corrector steps per predictor step, for the loop that calls them. */
  correctSteps: number;
}

/** A predictor's sample, with the mean that its last noise was added to: the better picture at the end. */
export interface SdeStepResult<A extends Sample = Sample> extends StepResult<A> {
  prevSampleMean: A;
}

const DEFINITION: Definition<ScoreSdeVeOptions> = {
  name: 'ScoreSdeVeScheduler',
  defaults: {
    ...COMMON_DEFAULTS,
    numTrainTimesteps: 2000,
    snr: 0.15,
    sigmaMin: 0.01,
    sigmaMax: 1348,
    samplingEps: 1e-5,
    correctSteps: 1,
  },
  choices: { precision: ['float64', 'float32'] },
};

/**
 * Predictor-corrector sampling of the variance-exploding SDE (Song et al., "Score-Based Generative Modeling through
 * Stochastic Differential Equations", 2021, algorithms 2 and 4). The model returns the score ∇ log p.
 */
export class ScoreSdeVeScheduler extends Scheduler<ScoreSdeVeOptions> {
  /** Noise levels at the times of `timesteps`. */
  sigmas: Float64Array = new Float64Array();
  /** The geometric levels that predictor steps go down. */
  discreteSigmas: Float64Array = new Float64Array();
  /** The levels of training, which `addNoise` has; as `discreteSigmas`, but for `setTimesteps`. */
  private trainedSigmas: Float64Array = new Float64Array();
  private bounds: { sigmaMin: number; sigmaMax: number };

  constructor(options: Partial<ScoreSdeVeOptions> | SchedulerConfig = {}) {
    super(DEFINITION, options);
    const { sigmaMin, sigmaMax, numTrainTimesteps } = this.options;
    this.bounds = { sigmaMin, sigmaMax };
    this.initNoiseSigma = sigmaMax;
    this.setTimesteps(numTrainTimesteps);
    this.setSigmas(numTrainTimesteps);
  }

  /**
   * Times from 1 to `samplingEps`, and as many levels. diffusers leaves the levels as they are, so that a loop without
   * `setSigmas` walks the least of them only; `matchDiffusers` repeats that.
   */
  setTimesteps(request: TimestepRequest, { samplingEps = this.options.samplingEps } = {}): void {
    checkRequest(request);
    const count = checkStepCount(request);
    this.timesteps = torchLinspace(1, samplingEps, count, this.options.precision);
    this.reset();
    if (!this.options.matchDiffusers) this.setLevels(count);
  }

  /**
   * Levels with other bounds than those of the options, which hold for later `setTimesteps`, too, or another count than that of the
   * times; those of `addNoise` as well.
   */
  setSigmas(count: number, bounds: { sigmaMin?: number; sigmaMax?: number } = {}): void {
    const { sigmaMin = this.options.sigmaMin, sigmaMax = this.options.sigmaMax } = bounds;
    // All is checked first, so that a refused call changes nothing.
    checkStepCount(count);
    if (!(sigmaMin > 0 && sigmaMin < Infinity)) {
      refuse({ argument: 'sigmaMin', value: sigmaMin, allowed: 'a number above 0' });
    }
    if (!(sigmaMax >= sigmaMin && sigmaMax < Infinity)) {
      refuse({
        argument: 'sigmaMax',
        value: sigmaMax,
        allowed: `a number from ${sigmaMin}, which is \`sigmaMin\`, up`,
      });
    }
    this.bounds = { sigmaMin, sigmaMax };
    this.setLevels(count);
    this.trainedSigmas = this.discreteSigmas;
  }

  private setLevels(count: number): void {
    const { sigmaMin, sigmaMax } = this.bounds;
    const { round } = this;
    const logs = torchLinspace(Math.log(sigmaMin), Math.log(sigmaMax), count, this.options.precision);
    this.discreteSigmas = logs.map((log) => round(Math.exp(log)));
    this.sigmas = this.timesteps.map((t) => round(sigmaMin * (sigmaMax / sigmaMin) ** t));
  }

  /** The predictor. */
  step<A extends Sample>(modelOutput: A, t: Timestep, sample: A, options: StepOptions<A> = {}): SdeStepResult<A> {
    return this.stepPred(modelOutput, t, sample, options);
  }

  /** Reverse diffusion: x + (σ² - σ'²) score, then noise of that variance (equation 47). */
  stepPred<A extends Sample>(modelOutput: A, t: Timestep, sample: A, options: StepOptions<A> = {}): SdeStepResult<A> {
    const ops = arithmeticOf(sample, options.shape);
    return ops.scope(() => {
      const at = this.perItem(t, (time) => {
        if (!(time >= 0 && time <= 1)) refuse({ argument: 't', value: time, allowed: 'a time in [0, 1]' });
        const index = Math.trunc(this.round(this.round(time) * (this.timesteps.length - 1)));
        const sigma = this.discreteSigmas[index]!;
        const below = index === 0 ? 0 : this.discreteSigmas[index - 1]!;
        const deviation = this.round(Math.sqrt(this.round(this.round(sigma ** 2) - this.round(below ** 2))));
        return { drift: this.round(deviation ** 2), deviation, variance: sigma ** 2 };
      });
      const prevSampleMean = ops.combine([1, sample], [at.drift, modelOutput]);
      const prevSample = ops.combine([1, prevSampleMean], [at.deviation, stepNoise(ops, options)]);
      // Tweedie's formula: E[x0 | x] = x + σ² score.
      const predOriginalSample = ops.combine([1, sample], [at.variance, modelOutput]);
      return { prevSample, prevSampleMean, predOriginalSample };
    });
  }

  /** The corrector: one step of annealed Langevin dynamics at the same time (algorithm 4). */
  stepCorrect<A extends Sample>(modelOutput: A, sample: A, options: StepOptions<A> = {}): { prevSample: A } {
    const ops = arithmeticOf(sample, options.shape);
    return ops.scope(() => {
      const noise = stepNoise(ops, options);
      const size = ((this.options.snr * meanNorm(ops, noise)) / meanNorm(ops, modelOutput)) ** 2 * 2;
      return { prevSample: ops.combine([1, sample], [size, modelOutput], [Math.sqrt(2 * size), noise]) };
    });
  }

  /** x0 + σ ε with σ of the geometric levels of training at whole timesteps. */
  addNoise<A extends Sample>(original: A, noise: A, timesteps: Timestep): A {
    const { sigma } = this.perItem(timesteps, (t) => {
      const level = this.trainedSigmas[t];
      if (level === undefined) {
        const allowed = `an integer from 0 to ${this.trainedSigmas.length - 1}`;
        return refuse({ argument: 'timesteps', value: t, allowed });
      }
      return { sigma: level };
    });
    return arithmeticOf(original).combine([1, original], [sigma, noise]);
  }
}

/** The mean, over the items of the batch, of their Euclidean norms. */
function meanNorm<A extends Sample>(ops: Arithmetic<A>, x: A): number {
  const values = ops.values(x);
  const items = ops.shape[0]!;
  const stride = values.length / items;
  let sum = 0;
  for (let item = 0; item < items; item++) {
    let square = 0;
    for (let i = item * stride; i < (item + 1) * stride; i++) square += values[i]! ** 2;
    sum += Math.sqrt(square);
  }
  return sum / items;
}
