import { arithmeticOf } from './arithmetic/choose.ts';
import type { Coefficient } from './arithmetic/arithmetic.ts';
import type { Definition, SchedulerConfig } from './config.ts';
import { refuse } from './errors.ts';
import { ADAMS_WEIGHTS } from './pndm.ts';
import type { Sample, Timestep } from './sample.ts';
import { COMMON_DEFAULTS, Scheduler, type CommonOptions, type StepOptions, type StepResult } from './scheduler.ts';
import { torchLinspace } from './schedules/numeric.ts';
import { checkStepCount, checkRequest, type TimestepRequest } from './timestep-request.ts';

export interface IPNDMOptions extends CommonOptions {
  numTrainTimesteps: number;
  /** The σ of the steps and of their end, in place of sin²(πt/2). */
  trainedBetas: ArrayLike<number> | null;
}

const DEFINITION: Definition<IPNDMOptions> = {
  name: 'IPNDMScheduler',
  defaults: { ...COMMON_DEFAULTS, numTrainTimesteps: 1000, trainedBetas: null },
  choices: { precision: ['float64', 'float32'] },
};

/**
 * Improved PNDM (Zhang and Chen 2023, section H.2; Crowson's v-diffusion): the multistep part of PNDM without Runge-Kutta
 * steps, for models of v on continuous times in [0, 1].
 */
export class IPNDMScheduler extends Scheduler<IPNDMOptions> {
  /** σ and α of the steps, and of their end. */
  betas: Float64Array = new Float64Array();
  alphas: Float64Array = new Float64Array();

  constructor(options: Partial<IPNDMOptions> | SchedulerConfig = {}) {
    super(DEFINITION, options);
    checkLevels(this.options.trainedBetas);
    this.setTimesteps(this.options.numTrainTimesteps);
  }

  setTimesteps(request: TimestepRequest): void {
    checkRequest(request);
    checkStepCount(request);
    const { round } = this;
    const { trainedBetas, precision } = this.options;
    const times = torchLinspace(1, 0, request + 1, precision);
    this.betas =
      trainedBetas === null
        ? times.map((time) => round(round(Math.sin(round(round(time * Math.PI) / 2))) ** 2))
        : Float64Array.from(trainedBetas, round);
    this.betas[this.betas.length - 1] = trainedBetas === null ? 0 : this.betas.at(-1)!;
    this.alphas = this.betas.map((beta) => round(Math.sqrt(round(1 - round(beta ** 2)))));
    this.timesteps = this.betas
      .map((beta, i) => round(round(round(Math.atan2(beta, this.alphas[i]!)) / Math.PI) * 2))
      .slice(0, -1);
    super.reset();
  }

  /** diffusers keeps earlier predictions when only the position is set back, and `matchDiffusers` repeats that. */
  override reset(): void {
    if (this.options.matchDiffusers) this.cursor.reset();
    else super.reset();
  }

  /** α x0 + σ ε at one of the listed timesteps, or one per item. */
  addNoise<A extends Sample>(original: A, noise: A, timesteps: Timestep): A {
    const { alpha, sigma } = this.perPosition(timesteps, (position) => ({
      alpha: this.alphas[position]!,
      sigma: this.betas[position]!,
    }));
    return arithmeticOf(original).combine([alpha, original], [sigma, noise]);
  }

  step<A extends Sample>(modelOutput: A, t: Timestep, sample: A, options: StepOptions<A> = {}): StepResult<A> {
    const ops = arithmeticOf(sample, options.shape);
    const position = this.position(t);
    const [sigma, alpha] = [this.betas[position]!, this.alphas[position]!];
    const [nextSigma, nextAlpha] = [this.betas[position + 1]!, this.alphas[position + 1]!];
    const result = ops.scope(() => {
      // ε = σ x + α v
      this.history.push(ops, ops.combine([sigma, sample], [alpha, modelOutput]), 4);
      const weights = ADAMS_WEIGHTS[this.history.length - 1]!;
      const epsilon = ops.combine(
        ...weights.map((weight, back): [Coefficient, A] => [weight, this.history.at<A>(back)]),
      );
      // At the first step α is 0, and x - σ ε has to vanish before it is divided.
      const scaled = ops.combine([1, sample], [-sigma, epsilon]);
      const prevSample = ops.combine([nextAlpha / Math.max(alpha, 1e-8), scaled], [nextSigma, epsilon]);
      const predOriginalSample = ops.combine([alpha, sample], [-sigma, modelOutput]);
      return { prevSample, predOriginalSample };
    });
    const isLast = this.cursor.advance(this.timesteps, position);
    if (isLast && !this.options.matchDiffusers) this.history.clear();
    return result;
  }
}

/** The σ of steps lie in (0, 1]; their end may be 0. */
function checkLevels(levels: ArrayLike<number> | null): void {
  if (levels === null) return;
  const list = Array.from(levels);
  const bad = list.findIndex((sigma, i) => !(sigma <= 1 && (sigma > 0 || (sigma === 0 && i === list.length - 1))));
  if (bad === -1 && list.length > 1) return;
  const allowed = 'a list of two or more numbers in (0, 1], of which the last may be 0';
  refuse({ argument: 'trainedBetas', value: levels, allowed });
}
