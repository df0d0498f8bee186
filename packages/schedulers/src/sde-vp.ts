import { arithmeticOf } from './arithmetic/choose.ts';
import type { Definition, SchedulerConfig } from './config.ts';
import { refuse } from './errors.ts';
import { stepNoise } from './noise.ts';
import type { Sample, Timestep } from './sample.ts';
import { COMMON_DEFAULTS, Scheduler, type CommonOptions, type StepOptions } from './scheduler.ts';
import { torchLinspace } from './schedules/numeric.ts';
import { notStarted } from './discrete.ts';
import type { SdeStepResult } from './sde-ve.ts';
import { checkStepCount, checkRequest, type TimestepRequest } from './timestep-request.ts';

export interface ScoreSdeVpOptions extends CommonOptions {
  numTrainTimesteps: number;
  betaMin: number;
  betaMax: number;
  /** The last time; times run from 1 to it. */
  samplingEps: number;
}

const DEFINITION: Definition<ScoreSdeVpOptions> = {
  name: 'ScoreSdeVpScheduler',
  defaults: { ...COMMON_DEFAULTS, numTrainTimesteps: 2000, betaMin: 0.1, betaMax: 20, samplingEps: 1e-3 },
  choices: { precision: ['float64', 'float32'] },
};

/** Euler-Maruyama on the reverse of the variance-preserving SDE (Song et al. 2021, equations 11 and 33). The model returns ε. */
export class ScoreSdeVpScheduler extends Scheduler<ScoreSdeVpOptions> {
  constructor(options: Partial<ScoreSdeVpOptions> | SchedulerConfig = {}) {
    super(DEFINITION, options);
  }

  setTimesteps(request: TimestepRequest): void {
    checkRequest(request);
    this.timesteps = torchLinspace(1, this.options.samplingEps, checkStepCount(request), this.options.precision);
    this.reset();
  }

  step<A extends Sample>(modelOutput: A, t: Timestep, sample: A, options: StepOptions<A> = {}): SdeStepResult<A> {
    return this.stepPred(modelOutput, t, sample, options);
  }

  stepPred<A extends Sample>(modelOutput: A, t: Timestep, sample: A, options: StepOptions<A> = {}): SdeStepResult<A> {
    if (this.timesteps.length === 0) throw notStarted('ScoreSdeVpScheduler');
    const ops = arithmeticOf(sample, options.shape);
    return ops.scope(() => {
      const at = this.perItem(t, (time) => this.#coefficients(time));
      const prevSampleMean = ops.combine([at.sample, sample], [at.output, modelOutput]);
      const prevSample = ops.combine([1, prevSampleMean], [at.deviation, stepNoise(ops, options)]);
      const predOriginalSample = ops.combine([at.originalSample, sample], [at.originalOutput, modelOutput]);
      return { prevSample, prevSampleMean, predOriginalSample };
    });
  }

  /** x_t = α x0 + σ ε with log α = -t² (β_max - β_min)/4 - t β_min/2. */
  addNoise<A extends Sample>(original: A, noise: A, timesteps: Timestep): A {
    const at = this.perItem(timesteps, (time) => this.#marginal(time));
    return arithmeticOf(original).combine([at.alpha, original], [at.sigma, noise]);
  }

  #marginal(time: number) {
    if (!(time >= 0 && time <= 1)) refuse({ argument: 't', value: time, allowed: 'a time in [0, 1]' });
    const { betaMin, betaMax } = this.options;
    const logAlpha = -0.25 * time ** 2 * (betaMax - betaMin) - 0.5 * time * betaMin;
    return { alpha: Math.exp(logAlpha), sigma: Math.sqrt(-Math.expm1(2 * logAlpha)) };
  }

  #coefficients(time: number) {
    const { betaMin, betaMax } = this.options;
    const { alpha, sigma } = this.#marginal(time);
    const step = 1 / this.timesteps.length;
    const beta = betaMin + time * (betaMax - betaMin);
    return {
      sample: 1 + 0.5 * beta * step,
      output: (-beta * step) / sigma,
      deviation: Math.sqrt(beta * step),
      originalSample: 1 / alpha,
      originalOutput: -sigma / alpha,
    };
  }
}
