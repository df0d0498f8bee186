import { arithmeticOf } from './arithmetic/choose.ts';
import type { Arithmetic, Coefficient } from './arithmetic/arithmetic.ts';
import type { Definition, SchedulerConfig } from './config.ts';
import type { Point } from './dpm-update.ts';
import { refuse } from './errors.ts';
import { History } from './history.ts';
import {
  LAMBDA_CHOICES,
  LAMBDA_DEFAULTS,
  LambdaScheduler,
  checkOrder,
  refuseZeroEnd,
  withFinal,
  type LambdaOptions,
  type ShiftOptions,
} from './lambda-scheduler.ts';
import { solveLinear } from './linear-solve.ts';
import type { Sample, Timestep } from './sample.ts';
import type { StepOptions, StepResult } from './scheduler.ts';
import { linspace, roundHalfEven } from './schedules/numeric.ts';
import { namedSigmas, type Levels } from './sigma-scheduler.ts';
import { checkFalling, checkRequest, type TimestepRequest } from './timestep-request.ts';

export interface UniPCOptions extends LambdaOptions {
  solverOrder: number;
  /** Data predictions (steadier) or noise predictions. */
  predictX0: boolean;
  /** `bh1` for unconditional sampling under ten steps, `bh2` otherwise. */
  solverType: 'bh1' | 'bh2';
  /** Steps after which the corrector is left out, useful for the first ones under strong guidance. */
  disableCorrector: readonly number[];
  finalSigmasType: 'zero' | 'sigma_min';
  sigmaMin: number | null;
  sigmaMax: number | null;
  /** The last flow level is stretched to this one. */
  shiftTerminal: number | null;
}

const DEFINITION: Definition<UniPCOptions> = {
  name: 'UniPCMultistepScheduler',
  defaults: {
    ...LAMBDA_DEFAULTS,
    solverOrder: 2,
    predictX0: true,
    solverType: 'bh2',
    disableCorrector: [],
    finalSigmasType: 'zero',
    sigmaMin: null,
    sigmaMax: null,
    shiftTerminal: null,
  },
  choices: { ...LAMBDA_CHOICES, solverType: ['bh1', 'bh2'], finalSigmasType: ['zero', 'sigma_min'] },
  aliases: { solverType: { midpoint: 'bh2', heun: 'bh2', logrho: 'bh2' } },
};

/**
 * UniPC (Zhao et al., "UniPC: A Unified Predictor-Corrector Framework for Fast Sampling of Diffusion Models", 2023): each
 * model call first corrects the sample it was made on (UniC), then predicts the next one (UniP).
 */
export class UniPCMultistepScheduler extends LambdaScheduler<UniPCOptions> {
  /** The sample that the last prediction started from. */
  readonly #origin = new History();
  #order = 0;

  constructor(options: Partial<UniPCOptions> | SchedulerConfig = {}) {
    super(DEFINITION, options);
    checkOrder('solverOrder', this.options.solverOrder, 10);
    const { shiftTerminal, useFlowSigmas, predictX0, finalSigmasType } = this.options;
    if (!predictX0 && finalSigmasType === 'zero') refuseZeroEnd('predictX0: false');
    if (shiftTerminal !== null && !useFlowSigmas) {
      refuse({ argument: 'shiftTerminal', value: shiftTerminal, allowed: 'null where useFlowSigmas is off' });
    }
  }

  override setTimesteps(request: TimestepRequest, options: ShiftOptions = {}): void {
    if (this.options.useDynamicShifting && options.mu === undefined) {
      refuse({ argument: 'mu', value: undefined, allowed: 'a number where useDynamicShifting is on' });
    }
    super.setTimesteps(request, options);
  }

  override reset(): void {
    super.reset();
    this.#origin.clear();
  }

  protected override levels(request: TimestepRequest): Levels {
    const { finalSigmasType, useFlowSigmas, numTrainTimesteps } = this.options;
    checkRequest(request, 'sigmas');
    const isGiven = typeof request === 'object';
    if (isGiven && !useFlowSigmas) {
      refuse({ argument: 'sigmas', value: request.sigmas, allowed: 'left out where useFlowSigmas is off' });
    }
    const count = isGiven ? request.sigmas.length : this.countOf(request);
    const chosen =
      this.namedLevels(count) ?? (useFlowSigmas ? this.#flow(isGiven ? request.sigmas : count) : undefined);
    if (chosen !== undefined) return withFinal(chosen, finalSigmasType === 'zero' ? 0 : chosen.sigmas.at(-1)!);
    const timesteps = this.outerTimesteps(count, numTrainTimesteps);
    return withFinal(
      { timesteps, sigmas: this.sigmasAt(timesteps) },
      finalSigmasType === 'zero' ? 0 : this.trainedSigmas[0]!,
    );
  }

  protected override namedLevels(count: number): Levels | undefined {
    const { sigmaMin, sigmaMax, useKarrasSigmas, useFlowSigmas, numTrainTimesteps } = this.options;
    const range = { sigmaMin: sigmaMin ?? this.trainedSigmas[0]!, sigmaMax: sigmaMax ?? this.trainedSigmas.at(-1)! };
    const sigmas = namedSigmas(count, range, this.options);
    if (sigmas === undefined) return undefined;
    if (useKarrasSigmas && useFlowSigmas) {
      const flow = sigmas.map((sigma) => sigma / (sigma + 1));
      return { sigmas: flow, timesteps: flow.map((sigma) => sigma * numTrainTimesteps) };
    }
    const timesteps = sigmas.map((sigma) => this.timestepOf(sigma));
    return { sigmas, timesteps: useKarrasSigmas ? timesteps.map(roundHalfEven) : timesteps };
  }

  #flow(given: number | ArrayLike<number>): Levels {
    const { numTrainTimesteps, shiftTerminal } = this.options;
    const plain =
      typeof given === 'number'
        ? linspace(1, 1 / numTrainTimesteps, given + 1).subarray(0, given)
        : checkFalling('sigmas', given, 1);
    const shift = this.flowShift;
    const shifted = plain.map((sigma) => (shift * sigma) / (1 + (shift - 1) * sigma));
    const scale = shiftTerminal === null ? 1 : (1 - shifted.at(-1)!) / (1 - shiftTerminal);
    const sigmas = scale === 1 ? shifted : shifted.map((sigma) => 1 - (1 - sigma) / scale);
    // α = 1 - σ must not vanish.
    if (Math.abs(sigmas[0]! - 1) < 1e-6) sigmas[0]! -= 1e-6;
    return { sigmas, timesteps: sigmas.map((sigma) => sigma * numTrainTimesteps) };
  }

  step<A extends Sample>(modelOutput: A, t: Timestep, sample: A, options: StepOptions<A> = {}): StepResult<A> {
    const ops = arithmeticOf(sample, options.shape);
    const position = this.start(t);
    const { predictX0, solverOrder, disableCorrector } = this.options;
    const result = ops.scope(() => {
      const { original, epsilon } = this.predictions(ops, modelOutput, sample, position);
      const output = predictX0 ? original : epsilon();

      // 1. UniC: the sample once more, now knowing the model's output on it.
      const isCorrected = this.#origin.length > 0 && !disableCorrector.includes(position - 1);
      const corrected = isCorrected ? this.#update(ops, position, this.#order, output) : sample;

      // 2. UniP: on to the next level, with the orders that history and the end allow.
      this.history.push(ops, output, solverOrder);
      this.#origin.push(ops, corrected, 1);
      this.#order = Math.min(this.#mostOrder(position), this.history.length);
      return { prevSample: this.#update(ops, position + 1, this.#order), predOriginalSample: original };
    });
    this.finish(position);
    if (position === this.timesteps.length - 1) this.#origin.clear();
    return result;
  }

  /** The order that the end allows to the step at a position; at σ = 0 λ is infinite, and the first order alone is exact. */
  #mostOrder(position: number): number {
    const { solverOrder, lowerOrderFinal } = this.options;
    if (this.sigmas[position + 1] === 0) return 1;
    return lowerOrderFinal ? Math.min(solverOrder, this.timesteps.length - position) : solverOrder;
  }

  /**
   * From the kept sample to the level at `target`, equations 3 (UniP) and 5 (UniC, with the output at the target): an exact
   * linear part, and differences m_k - m_0 weighted so that polynomials in λ are integrated exactly.
   */
  #update<A extends Sample>(ops: Arithmetic<A>, target: number, order: number, atTarget?: A): A {
    const { predictX0, solverType } = this.options;
    const points = Array.from({ length: order + 1 }, (_, back) => this.point(target - back));
    const [to, from] = points as [Point, Point];
    const h = to.lambda - from.lambda;
    // A level repeated at the end: there is no way to go, and the ratios below divide by its length.
    if (h === 0) return ops.combine([1, this.#origin.at<A>(0)]);
    const ratios = points.slice(2).map((point) => (point.lambda - from.lambda) / h);
    const hh = predictX0 ? -h : h;
    const scale = solverType === 'bh1' ? hh : Math.expm1(hh);
    const weights = atTarget === undefined ? predictorWeights(ratios, hh, scale) : correctorWeights(ratios, hh, scale);
    const gain = predictX0 ? to.alpha : to.sigma;

    const terms: [Coefficient, A][] = [];
    let newest = -gain * Math.expm1(hh);
    weights.forEach((weight, k) => {
      const isTarget = k === ratios.length;
      const coefficient = (-gain * scale * weight) / (isTarget ? 1 : ratios[k]!);
      terms.push([coefficient, isTarget ? atTarget! : this.history.at<A>(k + 1)]);
      newest -= coefficient;
    });
    const linear = predictX0 ? to.sigma / from.sigma : to.alpha / from.alpha;
    return ops.combine([linear, this.#origin.at<A>(0)], [newest, this.history.at<A>(0)], ...terms);
  }
}

/** b_i = i! φ_{i+1}(hh) hh / B for i = 1 .. order, by the recurrence of φ. */
function moments(order: number, hh: number, scale: number): number[] {
  const out: number[] = [];
  let phi = Math.expm1(hh) / hh - 1;
  let factorial = 1;
  for (let i = 1; i <= order; i++) {
    out.push((phi * factorial) / scale);
    factorial *= i + 1;
    phi = phi / hh - 1 / factorial;
  }
  return out;
}

/** One weight per earlier prediction; for a single one 1/2, whatever the step, which keeps the order (paper, appendix). */
function predictorWeights(ratios: readonly number[], hh: number, scale: number): number[] {
  if (ratios.length === 0) return [];
  if (ratios.length === 1) return [0.5];
  const right = moments(ratios.length, hh, scale);
  return solveLinear(
    right.map((_, power) => ratios.map((ratio) => ratio ** power)),
    right,
  );
}

/** One weight per earlier prediction, then the one of the output at the target. */
function correctorWeights(ratios: readonly number[], hh: number, scale: number): number[] {
  if (ratios.length === 0) return [0.5];
  const nodes = [...ratios, 1];
  const right = moments(nodes.length, hh, scale);
  return solveLinear(
    right.map((_, power) => nodes.map((node) => node ** power)),
    right,
  );
}
