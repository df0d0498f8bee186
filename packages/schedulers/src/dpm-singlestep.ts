import { arithmeticOf } from './arithmetic/choose.ts';
import type { Coefficient } from './arithmetic/arithmetic.ts';
import type { Definition, SchedulerConfig } from './config.ts';
import { DPM_CHOICES, DPM_DEFAULTS, checkDpm, type DpmOptions } from './dpm-multistep.ts';
import { singlestepCoefficients } from './dpm-update.ts';
import { History } from './history.ts';
import { LambdaScheduler, withFinal, type ShiftOptions } from './lambda-scheduler.ts';
import { stepNoise } from './noise.ts';
import type { Sample, Timestep } from './sample.ts';
import { type StepOptions, type StepResult } from './scheduler.ts';
import { linspace, roundHalfEven } from './schedules/numeric.ts';
import { refuseNamed, type Levels } from './sigma-scheduler.ts';
import { checkRequest, checkTimesteps, type TimestepRequest } from './timestep-request.ts';

const DEFINITION: Definition<DpmOptions> = {
  name: 'DPMSolverSinglestepScheduler',
  defaults: { ...DPM_DEFAULTS, lowerOrderFinal: false },
  choices: { ...DPM_CHOICES, algorithmType: ['dpmsolver', 'dpmsolver++', 'sde-dpmsolver++'] },
  hidden: ['rescaleBetasZeroSnr', 'timestepSpacing', 'stepsOffset'],
  aliases: {
    algorithmType: { deis: 'dpmsolver++' },
    solverType: { logrho: 'midpoint', bh1: 'midpoint', bh2: 'midpoint' },
  },
};

/**
 * Singlestep DPM-Solver and DPM-Solver++ (Lu et al. 2022a, algorithm 4 and appendix D; 2022b, algorithm 1): steps of order
 * 2 or 3 from that many model calls, which begin afresh at every step.
 */
export class DPMSolverSinglestepScheduler extends LambdaScheduler<DpmOptions> {
  /** The order of the update at each timestep: 1, 2, 1, 2, ... or 1, 2, 3, ... */
  orderList: number[] = [];
  /** The sample that the current step of order 2 or 3 started from. */
  readonly #origin = new History();

  constructor(options: Partial<DpmOptions> | SchedulerConfig = {}) {
    super(DEFINITION, options);
    checkDpm(this.options);
  }

  override setTimesteps(request: TimestepRequest, options: ShiftOptions = {}): void {
    super.setTimesteps(request, options);
    const { solverOrder, lowerOrderFinal, finalSigmasType } = this.options;
    const isUneven = this.timesteps.length % solverOrder !== 0;
    this.orderList = orderList(
      this.timesteps.length,
      solverOrder,
      lowerOrderFinal || isUneven || finalSigmasType === 'zero',
    );
    // The last step goes to σ = 0, where λ is infinite.
    if (finalSigmasType === 'zero') this.orderList[this.orderList.length - 1] = 1;
  }

  override reset(): void {
    super.reset();
    this.#origin.clear();
  }

  protected override levels(request: TimestepRequest): Levels {
    const { finalSigmasType, useFlowSigmas, lambdaMinClipped, numTrainTimesteps } = this.options;
    const final = finalSigmasType === 'zero' ? 0 : this.trainedSigmas[0]!;
    checkRequest(request, 'timesteps');
    if (typeof request === 'object') {
      refuseNamed(this.options);
      const timesteps = checkTimesteps(request.timesteps, numTrainTimesteps);
      return withFinal({ timesteps, sigmas: this.sigmasAt(timesteps) }, final);
    }
    const count = this.countOf(request);
    const named = this.namedLevels(count) ?? (useFlowSigmas ? this.flowLevels(count) : undefined);
    if (named !== undefined) return withFinal(named, final);
    const last = this.clippedTimesteps(lambdaMinClipped) - 1;
    const timesteps = linspace(0, last, count + 1)
      .map(roundHalfEven)
      .reverse()
      .subarray(0, count);
    return withFinal({ timesteps, sigmas: this.sigmasAt(timesteps) }, final);
  }

  step<A extends Sample>(modelOutput: A, t: Timestep, sample: A, options: StepOptions<A> = {}): StepResult<A> {
    const ops = arithmeticOf(sample, options.shape);
    const position = this.start(t);
    const { algorithmType, solverType, solverOrder, varianceType } = this.options;
    const result = ops.scope(() => {
      const { original, epsilon } = this.predictions(ops, modelOutput, sample, position, varianceType !== null);
      const noise = algorithmType.startsWith('sde') ? stepNoise(ops, options) : undefined;
      this.history.push(ops, algorithmType.endsWith('++') ? original : epsilon(), solverOrder);
      // A loop that begins inside a step of higher order lacks its first predictions.
      const order = Math.min(this.orderList[position]!, this.history.length);
      if (order === 1) this.#origin.push(ops, sample, 1);
      const points = Array.from({ length: order + 1 }, (_, back) => this.point(position + 1 - back));
      const coefficients = singlestepCoefficients(points, algorithmType, solverType);
      const terms: [Coefficient, A][] = [[coefficients.sample, this.#origin.at<A>(0)]];
      coefficients.outputs.forEach((coefficient, back) => terms.push([coefficient, this.history.at<A>(back)]));
      if (noise !== undefined) terms.push([coefficients.noise, noise]);
      return { prevSample: ops.combine(...terms), predOriginalSample: original };
    });
    this.finish(position);
    if (position === this.timesteps.length - 1) this.#origin.clear();
    return result;
  }
}

/** The orders of `steps` updates; `lowerFinal` ends in lower orders, which also fits counts that `order` does not divide. */
export function orderList(steps: number, order: number, lowerFinal: boolean): number[] {
  const rounds = Math.floor(steps / order);
  const round = Array.from({ length: order }, (_, i) => i + 1);
  const repeat = (times: number) => Array.from({ length: times }, () => round).flat();
  if (!lowerFinal || order === 1) return repeat(rounds);
  if (order === 2) return steps % 2 === 0 ? [...repeat(rounds - 1), 1, 1] : [...repeat(rounds), 1];
  if (steps % 3 === 0) return [...repeat(rounds - 1), 1, 2, 1];
  return steps % 3 === 1 ? [...repeat(rounds), 1] : [...repeat(rounds), 1, 2];
}
