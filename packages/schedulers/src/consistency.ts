import { arithmeticOf } from './arithmetic/choose.ts';
import type { Coefficient } from './arithmetic/arithmetic.ts';
import type { Definition, SchedulerConfig } from './config.ts';
import { stepNoise } from './noise.ts';
import type { Sample, Timestep } from './sample.ts';
import { COMMON_DEFAULTS, Scheduler, type CommonOptions, type StepOptions, type StepResult } from './scheduler.ts';
import { checkStepCount, checkTimesteps, checkRequest, type TimestepRequest } from './timestep-request.ts';

export interface ConsistencyOptions extends CommonOptions {
  numTrainTimesteps: number;
  sigmaMin: number;
  sigmaMax: number;
  sigmaData: number;
  sNoise: number;
  rho: number;
  clipDenoised: boolean;
}

const DEFINITION: Definition<ConsistencyOptions> = {
  name: 'CMStochasticIterativeScheduler',
  defaults: {
    ...COMMON_DEFAULTS,
    numTrainTimesteps: 40,
    sigmaMin: 0.002,
    sigmaMax: 80,
    sigmaData: 0.5,
    sNoise: 1,
    rho: 7,
    clipDenoised: true,
  },
  choices: { precision: ['float64', 'float32'] },
};

/** Multistep consistency sampling (Song et al., "Consistency Models", 2023, algorithm 1): to x0 at once, then some noise back. */
export class CMStochasticIterativeScheduler extends Scheduler<ConsistencyOptions> {
  /** Noise levels of the steps, and the least one at the end. */
  sigmas: Float64Array;

  constructor(options: Partial<ConsistencyOptions> | SchedulerConfig = {}) {
    super(DEFINITION, options);
    const { numTrainTimesteps, sigmaMax } = this.options;
    this.initNoiseSigma = sigmaMax;
    this.sigmas = Float64Array.from({ length: numTrainTimesteps }, (_, i) => this.#karras(i));
    this.timesteps = this.sigmas.map((sigma) => this.sigmaToTimestep(sigma));
  }

  /** A number of steps, or indices of trained levels, 0 being the least noisy of `numTrainTimesteps`. */
  setTimesteps(request: TimestepRequest): void {
    const { numTrainTimesteps, sigmaMin } = this.options;
    checkRequest(request, 'timesteps');
    let indices: Float64Array;
    if (typeof request === 'number') {
      const count = checkStepCount(request, numTrainTimesteps);
      const ratio = Math.floor(numTrainTimesteps / count);
      indices = Float64Array.from({ length: count }, (_, i) => (count - 1 - i) * ratio);
    } else indices = checkTimesteps(request.timesteps, numTrainTimesteps);
    const levels = indices.map((index) => this.#karras(index)).reverse();
    this.timesteps = levels.map((sigma) => this.sigmaToTimestep(sigma));
    this.sigmas = Float64Array.of(...levels, sigmaMin).map(this.round);
    this.reset();
  }

  /** What the model calls a noise level: 250 log σ. */
  sigmaToTimestep(sigma: number): number {
    return 1000 * 0.25 * Math.log(sigma + 1e-44);
  }

  /** x / √(σ² + σ_data²). */
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

  step<A extends Sample>(modelOutput: A, t: Timestep, sample: A, options: StepOptions<A> = {}): StepResult<A> {
    const ops = arithmeticOf(sample, options.shape);
    const result = ops.scope(() => {
      const at = this.perPosition(t, (position) => this.#coefficients(position));
      const denoised = ops.combine([at.out, modelOutput], [at.skip, sample]);
      const predOriginalSample = this.options.clipDenoised ? ops.clip(denoised, -1, 1) : denoised;
      const terms: [Coefficient, A][] = [[1, predOriginalSample]];
      if (at.noise !== 0) terms.push([at.noise, stepNoise(ops, options)]);
      return { prevSample: ops.combine(...terms), predOriginalSample };
    });
    this.follow(t);
    return result;
  }

  /** The boundary condition of the paper's appendix C, and the noise up to the next level. */
  #coefficients(position: number) {
    const { sigmaMin, sigmaMax, sigmaData, sNoise } = this.options;
    const sigma = this.sigmas[position]!;
    const next = Math.min(Math.max(this.sigmas[position + 1] ?? this.sigmas.at(-1)!, sigmaMin), sigmaMax);
    const above = this.timesteps.length > 1 ? Math.sqrt(Math.max(0, next ** 2 - sigmaMin ** 2)) : 0;
    return {
      skip: sigmaData ** 2 / ((sigma - sigmaMin) ** 2 + sigmaData ** 2),
      out: ((sigma - sigmaMin) * sigmaData) / Math.sqrt(sigma ** 2 + sigmaData ** 2),
      noise: sNoise * above,
    };
  }

  #karras(index: number): number {
    const { sigmaMin, sigmaMax, rho, numTrainTimesteps } = this.options;
    const [low, high] = [sigmaMin ** (1 / rho), sigmaMax ** (1 / rho)];
    return (high + (index / (numTrainTimesteps - 1)) * (low - high)) ** rho;
  }
}
