import { arithmeticOf } from './arithmetic/choose.ts';
import type { Arithmetic, Coefficient } from './arithmetic/arithmetic.ts';
import type { Definition, SchedulerConfig } from './config.ts';
import type { Point } from './dpm-update.ts';
import { History } from './history.ts';
import {
  LAMBDA_CHOICES,
  LAMBDA_DEFAULTS,
  LambdaScheduler,
  checkOrder,
  type LambdaOptions,
} from './lambda-scheduler.ts';
import { stepNoise } from './noise.ts';
import type { Sample, Timestep } from './sample.ts';
import type { StepOptions, StepResult } from './scheduler.ts';
import type { Levels } from './sigma-scheduler.ts';
import type { TimestepRequest } from './timestep-request.ts';

export interface SASolverOptions extends LambdaOptions {
  predictorOrder: number;
  correctorOrder: number;
  /** The strength of the noise at a timestep, τ in the paper; by default 1 from 200 to 800 and 0 elsewhere. Not part of the config. */
  tauFunc: ((t: number) => number) | null;
  algorithmType: 'data_prediction' | 'noise_prediction';
  lambdaMinClipped: number;
  varianceType: 'learned' | 'learned_range' | null;
}

const DEFINITION: Definition<SASolverOptions> = {
  name: 'SASolverScheduler',
  defaults: {
    ...LAMBDA_DEFAULTS,
    predictorOrder: 2,
    correctorOrder: 2,
    tauFunc: null,
    algorithmType: 'data_prediction',
    lambdaMinClipped: -Infinity,
    varianceType: null,
  },
  choices: { ...LAMBDA_CHOICES, algorithmType: ['data_prediction', 'noise_prediction'] },
  hidden: ['rescaleBetasZeroSnr', 'useDynamicShifting', 'timeShiftType'],
};

/** Stochastic Adams (Xue et al., "SA-Solver: Stochastic Adams Solver for Fast Sampling of Diffusion Models", 2023): predictor and corrector with noise of strength τ. */
export class SASolverScheduler extends LambdaScheduler<SASolverOptions> {
  /** What the last prediction started from: its noise (if there was any), then its sample. */
  readonly #origin = new History();
  #tau = 0;
  #correctorOrder = 0;

  constructor(options: Partial<SASolverOptions> | SchedulerConfig = {}) {
    super(DEFINITION, options);
    checkOrder('predictorOrder', this.options.predictorOrder, 4);
    checkOrder('correctorOrder', this.options.correctorOrder, 4);
  }

  override reset(): void {
    super.reset();
    this.#origin.clear();
  }

  protected override levels(request: TimestepRequest): Levels {
    return this.repeatedLevels(request, this.clippedTimesteps(this.options.lambdaMinClipped));
  }

  step<A extends Sample>(modelOutput: A, t: Timestep, sample: A, options: StepOptions<A> = {}): StepResult<A> {
    const ops = arithmeticOf(sample, options.shape);
    const position = this.start(t);
    const { predictorOrder, correctorOrder, lowerOrderFinal, varianceType, tauFunc } = this.options;
    const kept = Math.max(predictorOrder, correctorOrder - 1);
    const left = this.timesteps.length - position;
    const result = ops.scope(() => {
      const { original, epsilon } = this.predictions(ops, modelOutput, sample, position, varianceType !== null);
      const output = this.#isData() ? original : epsilon();
      const corrected =
        this.#origin.length > 0 ? this.#update(ops, position, [output], this.#correctorOrder, this.#tau) : sample;

      const tau = (tauFunc ?? defaultTau)(this.timesteps[position]!);
      // Drawn at every step, whatever τ, so that a seed's noise does not depend on it.
      const isDrawn = tau !== 0 || options.noise !== undefined || options.generator !== undefined;
      const noise = isDrawn ? stepNoise(ops, options) : undefined;
      this.history.push(ops, output, kept);
      this.#origin.clear();
      this.#origin.push(ops, corrected, 2);
      if (noise !== undefined) this.#origin.push(ops, noise, 2);

      const order = Math.min(lowerOrderFinal ? Math.min(predictorOrder, left) : predictorOrder, this.history.length);
      const known = Math.min(
        this.history.length + 1,
        lowerOrderFinal ? Math.min(correctorOrder, left + 1) : correctorOrder,
      );
      this.#correctorOrder = known;
      this.#tau = tau;
      return { prevSample: this.#update(ops, position + 1, [], order, tau), predOriginalSample: original };
    });
    this.finish(position);
    if (left === 1) this.#origin.clear();
    return result;
  }

  /**
   * From the kept sample to the level at `target` (equations 13 and 16): the predictor knows the outputs up to the level
   * before, the corrector also the one at the target.
   */
  #update<A extends Sample>(ops: Arithmetic<A>, target: number, atTarget: A[], order: number, tau: number): A {
    const [to, from] = [this.point(target), this.point(target - 1)];
    const newest = target - 1 + atTarget.length;
    const lambdas = Array.from({ length: order }, (_, back) => this.point(newest - back).lambda);
    const weights = this.#weights(from, to, lambdas, tau, atTarget.length > 0);
    const h = to.lambda - from.lambda;
    const isData = this.#isData();
    const gain = (1 + tau ** 2) * (isData ? to.sigma * Math.exp(-(tau ** 2) * to.lambda) : -to.alpha);

    const linear = isData ? (Math.exp(-(tau ** 2) * h) * to.sigma) / from.sigma : to.alpha / from.alpha;
    const terms: [Coefficient, A][] = [[linear, this.#origin.at<A>(this.#origin.length - 1)]];
    weights.forEach((weight, back) => {
      const output = atTarget[back] ?? this.history.at<A>(back - atTarget.length);
      terms.push([gain * weight, output]);
    });
    const spread = isData ? Math.sqrt(-Math.expm1(-2 * tau ** 2 * h)) : tau * Math.sqrt(Math.expm1(2 * h));
    if (spread !== 0) terms.push([to.sigma * spread, this.#origin.at<A>(0)]);
    return ops.combine(...terms);
  }

  /** Integrals of the Lagrange polynomials of `lambdas` against the exponential weight; the authors adjust order 2. */
  #weights(from: Point, to: Point, lambdas: number[], tau: number, isCorrector: boolean): number[] {
    const isData = this.#isData();
    const weights = lambdas.map((_, i) =>
      lagrange(lambdas, i).reduce((sum, coefficient, power) => {
        const integral = isData ? growing(power, from.lambda, to.lambda, tau) : decaying(power, from.lambda, to.lambda);
        return sum + coefficient * integral;
      }, 0),
    );
    if (!isData || lambdas.length !== 2) return weights;
    const h = to.lambda - from.lambda;
    const a = 1 + tau ** 2;
    const rest = (h * a - 1 + Math.exp(-a * h)) / a ** 2;
    const shift =
      Math.exp(a * to.lambda) * (isCorrector ? h / 2 - rest / h : (h ** 2 / 2 - rest) / (from.lambda - lambdas[1]!));
    return [weights[0]! + shift, weights[1]! - shift];
  }

  #isData(): boolean {
    return this.options.algorithmType === 'data_prediction';
  }
}

function defaultTau(t: number): number {
  return t >= 200 && t <= 800 ? 1 : 0;
}

/** Coefficients, by rising power, of the polynomial that is 1 at `nodes[i]` and 0 at the others. */
function lagrange(nodes: readonly number[], i: number): number[] {
  let polynomial = [1];
  for (const [k, node] of nodes.entries()) {
    if (k === i) continue;
    const scale = nodes[i]! - node;
    // Multiply by (x - node) / scale.
    const below = polynomial;
    polynomial = [0, ...below].map((above, power) => (above - node * (below[power] ?? 0)) / scale);
  }
  return polynomial;
}

/** ∫ x^k e^{-x} dx from `from` to `to`. */
function decaying(power: number, from: number, to: number): number {
  return Math.exp(-to) * (factorialSum(power, from, 1) * Math.exp(to - from) - factorialSum(power, to, 1));
}

/** ∫ x^k e^{(1+τ²)x} dx from `from` to `to`. */
function growing(power: number, from: number, to: number, tau: number): number {
  const a = 1 + tau ** 2;
  const [start, end] = [a * from, a * to];
  const difference = factorialSum(power, end, -1) - factorialSum(power, start, -1) * Math.exp(start - end);
  return (Math.exp(end) * difference) / a ** (power + 1);
}

/** Σ_j sign^{k-j} k!/j! x^j, the polynomial that k partial integrations leave: P_k = x^k + sign k P_{k-1}. */
function factorialSum(k: number, x: number, sign: 1 | -1): number {
  return k === 0 ? 1 : x ** k + sign * k * factorialSum(k - 1, x, sign);
}
