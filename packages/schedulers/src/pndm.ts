import { arithmeticOf } from './arithmetic/choose.ts';
import type { Arithmetic, Coefficient } from './arithmetic/arithmetic.ts';
import type { Definition, SchedulerConfig } from './config.ts';
import {
  DISCRETE_CHOICES,
  DISCRETE_DEFAULTS,
  DiscreteScheduler,
  notStarted,
  type DiscreteOptions,
} from './discrete.ts';
import { SchedulerError, refuse } from './errors.ts';
import { History } from './history.ts';
import { mixed } from './prediction.ts';
import type { Sample, Timestep } from './sample.ts';
import { type StepOptions, type StepResult } from './scheduler.ts';
import { spacedTimesteps } from './schedules/timesteps.ts';
import { checkRequest, type TimestepRequest } from './timestep-request.ts';

export interface PNDMOptions extends DiscreteOptions {
  /** Begin with lower multistep orders instead of Runge-Kutta steps, as latent diffusion does. */
  skipPrkSteps: boolean;
  /** Whether the last step ends at ᾱ = 1, or at the ᾱ of timestep 0. */
  setAlphaToOne: boolean;
}

const DEFINITION: Definition<PNDMOptions> = {
  name: 'PNDMScheduler',
  defaults: { ...DISCRETE_DEFAULTS, skipPrkSteps: false, setAlphaToOne: false },
  choices: { ...DISCRETE_CHOICES, predictionType: ['epsilon', 'v_prediction'] },
  hidden: ['rescaleBetasZeroSnr'],
};

/** Adams-Bashforth weights of the newest predictions, newest first, by how many there are. */
export const ADAMS_WEIGHTS = [
  [1],
  [3 / 2, -1 / 2],
  [23 / 12, -16 / 12, 5 / 12],
  [55 / 24, -59 / 24, 37 / 24, -9 / 24],
] as const;

/**
 * Pseudo numerical methods (Liu et al., "Pseudo Numerical Methods for Diffusion Models on Manifolds", 2022): three
 * Runge-Kutta steps of four model calls, then a linear multistep method, both with the transfer of equation 11.
 */
export class PNDMScheduler extends DiscreteScheduler<PNDMOptions> {
  /** The Runge-Kutta part of `timesteps`, then the multistep part. */
  prkTimesteps: Float64Array = new Float64Array();
  plmsTimesteps: Float64Array = new Float64Array();
  /** ᾱ after the last step. */
  readonly finalAlphaCumprod: number;
  /** Steps done since the start. */
  #counter = 0;
  /** The sample that the present step started from, and the Runge-Kutta sum of its predictions so far. */
  readonly #origin = new History();
  readonly #sum = new History();

  constructor(options: Partial<PNDMOptions> | SchedulerConfig = {}) {
    super(DEFINITION, options);
    this.finalAlphaCumprod = this.options.setAlphaToOne ? 1 : this.alphasCumprod[0]!;
  }

  override setTimesteps(request: TimestepRequest): void {
    checkRequest(request);
    super.setTimesteps(request);
    const { skipPrkSteps, matchDiffusers } = this.options;
    const rising = spacedTimesteps(request, this.options, matchDiffusers).reverse();
    if (skipPrkSteps) {
      this.prkTimesteps = new Float64Array();
      // The first step is done in two halves: its second timestep comes twice.
      this.plmsTimesteps = Float64Array.of(
        ...rising.subarray(0, -1),
        ...rising.subarray(-2, -1),
        ...rising.subarray(-1),
      ).reverse();
    } else {
      if (request < 4)
        refuse({ argument: 'numInferenceSteps', value: request, allowed: '4 or more, or skipPrkSteps on' });
      const half = Math.floor(this.#stride(request) / 2);
      const stages = [...rising.subarray(-4)].flatMap((t) => [t, t + half]).slice(0, -1);
      this.prkTimesteps = Float64Array.from(stages.flatMap((t) => [t, t]).slice(1, -1)).reverse();
      this.plmsTimesteps = rising.slice(0, -3).reverse();
    }
    this.timesteps = Float64Array.of(...this.prkTimesteps, ...this.plmsTimesteps);
    this.numInferenceSteps = request;
  }

  override reset(): void {
    super.reset();
    this.#counter = 0;
    this.#origin.clear();
    this.#sum.clear();
  }

  step<A extends Sample>(modelOutput: A, t: Timestep, sample: A, options: StepOptions<A> = {}): StepResult<A> {
    if (this.#counter < this.prkTimesteps.length) return this.stepPrk(modelOutput, t, sample, options);
    return this.stepPlms(modelOutput, t, sample, options);
  }

  /** A quarter of a Runge-Kutta step (algorithm 1, PRK). */
  stepPrk<A extends Sample>(modelOutput: A, t: Timestep, sample: A, options: StepOptions<A> = {}): StepResult<A> {
    return this.#advance(modelOutput, t, sample, options, (ops, time) => {
      const stage = this.#counter % 4;
      const half = Math.floor(this.#stride(this.numInferenceSteps!) / 2);
      const previous = time - (stage % 2 === 0 ? half : 0);
      const from = this.prkTimesteps[this.#counter - stage]!;
      const weight = stage === 0 || stage === 3 ? 1 / 6 : 1 / 3;
      const sum =
        stage === 0 ? ops.combine([weight, modelOutput]) : ops.combine([1, this.#sum.at<A>(0)], [weight, modelOutput]);
      if (stage === 0) {
        this.history.push(ops, modelOutput, 4);
        this.#origin.push(ops, sample, 1);
      }
      this.#sum.push(ops, sum, 1);
      return this.#transfer(ops, this.#origin.at<A>(0), stage === 3 ? sum : modelOutput, from, previous);
    });
  }

  /** A linear multistep step (algorithm 2, PLMS). @throws SchedulerError before the Runge-Kutta steps. */
  stepPlms<A extends Sample>(modelOutput: A, t: Timestep, sample: A, options: StepOptions<A> = {}): StepResult<A> {
    const isUnderWay = this.numInferenceSteps !== null && this.#counter < this.timesteps.length;
    if (!this.options.skipPrkSteps && isUnderWay && this.history.length < 3) {
      const message =
        'The multistep part of PNDM needs its 12 Runge-Kutta calls first: begin at timesteps[0], or set skipPrkSteps.';
      throw new SchedulerError('SCHEDULER_OUT_OF_ORDER', message);
    }
    return this.#advance(modelOutput, t, sample, options, (ops, time) => {
      const stride = this.#stride(this.numInferenceSteps!);
      if (this.#counter === 1) {
        // The second half of the first step: from its start once more, with the mean of both predictions.
        const mean = ops.combine([0.5, modelOutput], [0.5, this.history.at<A>(0)]);
        return this.#transfer(ops, this.#origin.at<A>(0), mean, time + stride, time);
      }
      this.history.push(ops, modelOutput, 4);
      if (this.#counter === 0) this.#origin.push(ops, sample, 1);
      const weights = ADAMS_WEIGHTS[this.history.length - 1]!;
      const terms = weights.map((weight, back): [Coefficient, A] => [weight, this.history.at<A>(back)]);
      return this.#transfer(ops, sample, ops.combine(...terms), time, time - stride);
    });
  }

  #advance<A extends Sample>(
    modelOutput: A,
    t: Timestep,
    sample: A,
    options: StepOptions<A>,
    next: (ops: Arithmetic<A>, t: number) => A,
  ): StepResult<A> {
    if (this.numInferenceSteps === null) throw notStarted('PNDMScheduler');
    const ops = arithmeticOf(sample, options.shape);
    const position = this.position(t);
    const time = this.timesteps[position]!;
    const result = ops.scope(() => {
      const predOriginalSample = mixed(ops, this.originalMix(time), sample, modelOutput);
      return { prevSample: next(ops, time), predOriginalSample };
    });
    this.#counter++;
    this.finish(position);
    if (position === this.timesteps.length - 1) {
      this.#origin.clear();
      this.#sum.clear();
    }
    return result;
  }

  /** Equation 11: the deterministic DDIM step along a combined prediction, in the form that also fits other than DDIM's steps. */
  #transfer<A extends Sample>(ops: Arithmetic<A>, sample: A, output: A, t: number, previous: number): A {
    const { round } = this;
    const product = this.alphasCumprod.at(t)!;
    const before = previous >= 0 ? this.alphasCumprod[previous]! : this.finalAlphaCumprod;
    const [remaining, remainingBefore] = [round(1 - product), round(1 - before)];
    const denominator = round(
      round(product * round(Math.sqrt(remainingBefore))) + round(Math.sqrt(round(round(product * remaining) * before))),
    );
    const slope = -round(before - product) / denominator;
    const scale = round(Math.sqrt(round(before / product)));
    if (this.options.predictionType === 'epsilon') return ops.combine([scale, sample], [slope, output]);
    const { signal, noise } = this.forwardScales(t);
    return ops.combine([scale + slope * noise, sample], [slope * signal, output]);
  }

  #stride(steps: number): number {
    return Math.floor(this.options.numTrainTimesteps / steps);
  }
}
