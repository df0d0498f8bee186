import { arithmeticOf } from './arithmetic/choose.ts';
import type { Arithmetic, Coefficient } from './arithmetic/arithmetic.ts';
import type { Definition, SchedulerConfig } from './config.ts';
import { DPM_ALGORITHMS, multistepCoefficients, type DpmAlgorithm, type DpmSolverType } from './dpm-update.ts';
import {
  LAMBDA_CHOICES,
  LAMBDA_DEFAULTS,
  LambdaScheduler,
  checkOrder,
  refuseZeroEnd,
  withFinal,
  type LambdaOptions,
} from './lambda-scheduler.ts';
import { stepNoise } from './noise.ts';
import type { Sample, Timestep } from './sample.ts';
import { type StepOptions, type StepResult } from './scheduler.ts';
import { roundHalfEven } from './schedules/numeric.ts';
import { luSigmas } from './schedules/sigmas.ts';
import { refuseNamed, type Levels } from './sigma-scheduler.ts';
import { checkRequest, checkTimesteps, type TimestepRequest } from './timestep-request.ts';

export interface DpmOptions extends LambdaOptions {
  solverOrder: number;
  algorithmType: DpmAlgorithm;
  solverType: DpmSolverType;
  finalSigmasType: 'zero' | 'sigma_min';
  /** Timesteps with a smaller λ are left out; -5.1 for the cosine schedule, as the authors advise. */
  lambdaMinClipped: number;
  /** Says that model outputs carry a variance after the mean, which is not used. */
  varianceType: 'learned' | 'learned_range' | null;
}

export interface DpmMultistepOptions extends DpmOptions {
  /** A first-order last step: less noise at the end of many-step SDE runs. */
  eulerAtFinal: boolean;
  useLuLambdas: boolean;
}

export const DPM_DEFAULTS: DpmOptions = {
  ...LAMBDA_DEFAULTS,
  solverOrder: 2,
  algorithmType: 'dpmsolver++',
  solverType: 'midpoint',
  finalSigmasType: 'zero',
  lambdaMinClipped: -Infinity,
  varianceType: null,
};

export const DPM_CHOICES = {
  ...LAMBDA_CHOICES,
  algorithmType: DPM_ALGORITHMS,
  solverType: ['midpoint', 'heun'],
  finalSigmasType: ['zero', 'sigma_min'],
} as const;

const DEFINITION: Definition<DpmMultistepOptions> = {
  name: 'DPMSolverMultistepScheduler',
  defaults: { ...DPM_DEFAULTS, eulerAtFinal: false, useLuLambdas: false },
  choices: DPM_CHOICES,
  // Solvers of other classes that a config may come with.
  aliases: {
    algorithmType: { deis: 'dpmsolver++' },
    solverType: { logrho: 'midpoint', bh1: 'midpoint', bh2: 'midpoint' },
  },
};

/**
 * DPM-Solver++ (2M) and its kin (Lu et al., "DPM-Solver++: Fast Solver for Guided Sampling of Diffusion Probabilistic
 * Models", 2022): orders 1 to 3 from one model call per step, on data or noise predictions, deterministic or with noise.
 */
export class DPMSolverMultistepScheduler extends LambdaScheduler<DpmMultistepOptions> {
  constructor(options: Partial<DpmMultistepOptions> | SchedulerConfig = {}, definition = DEFINITION) {
    super(definition, options);
    checkDpm(this.options);
  }

  protected override levels(request: TimestepRequest): Levels {
    const { finalSigmasType, useFlowSigmas } = this.options;
    const final = finalSigmasType === 'zero' ? 0 : this.trainedSigmas[0]!;
    checkRequest(request, 'timesteps');
    if (typeof request === 'object') {
      refuseNamed(this.options);
      const timesteps = checkTimesteps(request.timesteps, this.options.numTrainTimesteps);
      return withFinal({ timesteps, sigmas: this.sigmasAt(timesteps) }, final);
    }
    const count = this.countOf(request);
    const named = this.namedLevels(count) ?? (useFlowSigmas ? this.flowLevels(count) : undefined);
    if (named !== undefined) return withFinal(named, final);
    const timesteps = this.outerTimesteps(count, this.clippedTimesteps(this.options.lambdaMinClipped));
    return withFinal({ timesteps, sigmas: this.sigmasAt(timesteps) }, final);
  }

  protected override namedLevels(count: number): Levels | undefined {
    const { useLuLambdas, useKarrasSigmas, betaSchedule } = this.options;
    const range = { sigmaMin: this.trainedSigmas[0]!, sigmaMax: this.trainedSigmas.at(-1)! };
    const levels = useLuLambdas && !useKarrasSigmas ? { sigmas: luSigmas(count, range) } : super.namedLevels(count);
    if (levels === undefined) return undefined;
    const timesteps = levels.sigmas.map((sigma) => this.timestepOf(sigma));
    const isWhole = (useKarrasSigmas || useLuLambdas) && betaSchedule !== 'squaredcos_cap_v2';
    return { sigmas: levels.sigmas, timesteps: isWhole ? timesteps.map(roundHalfEven) : timesteps };
  }

  step<A extends Sample>(modelOutput: A, t: Timestep, sample: A, options: StepOptions<A> = {}): StepResult<A> {
    const ops = arithmeticOf(sample, options.shape);
    const position = this.start(t);
    const { algorithmType, varianceType, solverOrder } = this.options;
    const result = ops.scope(() => {
      const { original, epsilon } = this.predictions(ops, modelOutput, sample, position, varianceType !== null);
      const isData = algorithmType.endsWith('++');
      const noise = algorithmType.startsWith('sde') ? stepNoise(ops, options) : undefined;
      this.history.push(ops, isData ? original : epsilon(), solverOrder);
      const prevSample = this.#update(ops, sample, position, noise);
      return { prevSample, predOriginalSample: original };
    });
    this.finish(position);
    return result;
  }

  /** The order of the step at a position: lower at the start, for want of history, and at the end, for steadiness. */
  protected orderAt(position: number): number {
    const { solverOrder, lowerOrderFinal, eulerAtFinal } = this.options;
    const count = this.timesteps.length;
    const isFew = lowerOrderFinal && count < 15;
    const possible = Math.min(solverOrder, this.history.length);
    // The last step goes to σ = 0, where λ is infinite.
    if (position === count - 1 && (eulerAtFinal || isFew || this.sigmas.at(-1) === 0)) return 1;
    return position === count - 2 && isFew ? Math.min(possible, 2) : possible;
  }

  #update<A extends Sample>(ops: Arithmetic<A>, sample: A, position: number, noise: A | undefined): A {
    const { algorithmType, solverType } = this.options;
    const order = this.orderAt(position);
    const points = Array.from({ length: order + 1 }, (_, back) => this.point(position + 1 - back));
    const coefficients = multistepCoefficients(points, algorithmType, solverType);
    const terms: [Coefficient, A][] = [[coefficients.sample, sample]];
    coefficients.outputs.forEach((coefficient, back) => terms.push([coefficient, this.history.at<A>(back)]));
    if (noise !== undefined) terms.push([coefficients.noise, noise]);
    return ops.combine(...terms);
  }
}

/** What the solvers on DPM-Solver's formulas cannot do. */
export function checkDpm(options: DpmOptions): void {
  const { algorithmType, finalSigmasType, solverOrder } = options;
  checkOrder('solverOrder', solverOrder, algorithmType === 'sde-dpmsolver' ? 2 : 3);
  if (!algorithmType.endsWith('++') && finalSigmasType === 'zero') refuseZeroEnd(algorithmType);
}
