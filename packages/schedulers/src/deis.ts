import { arithmeticOf } from './arithmetic/choose.ts';
import type { Coefficient } from './arithmetic/arithmetic.ts';
import type { Definition, SchedulerConfig } from './config.ts';
import { multistepCoefficients } from './dpm-update.ts';
import {
  LAMBDA_CHOICES,
  LAMBDA_DEFAULTS,
  LambdaScheduler,
  checkOrder,
  type LambdaOptions,
} from './lambda-scheduler.ts';
import type { Sample, Timestep } from './sample.ts';
import type { StepOptions, StepResult } from './scheduler.ts';
import type { Levels } from './sigma-scheduler.ts';
import type { TimestepRequest } from './timestep-request.ts';

export interface DEISOptions extends LambdaOptions {
  solverOrder: number;
  algorithmType: 'deis';
  solverType: 'logrho';
}

const DEFINITION: Definition<DEISOptions> = {
  name: 'DEISMultistepScheduler',
  defaults: { ...LAMBDA_DEFAULTS, solverOrder: 2, algorithmType: 'deis', solverType: 'logrho' },
  choices: { ...LAMBDA_CHOICES, algorithmType: ['deis'], solverType: ['logrho'] },
  hidden: ['rescaleBetasZeroSnr'],
  aliases: {
    algorithmType: { dpmsolver: 'deis', 'dpmsolver++': 'deis' },
    solverType: { midpoint: 'logrho', heun: 'logrho', bh1: 'logrho', bh2: 'logrho' },
  },
};

/**
 * Log-ρ multistep DEIS (Zhang and Chen, "Fast Sampling of Diffusion Models with Exponential Integrator", 2023): the noise
 * prediction is a Lagrange polynomial in log ρ, ρ = σ/α, integrated exactly.
 */
export class DEISMultistepScheduler extends LambdaScheduler<DEISOptions> {
  constructor(options: Partial<DEISOptions> | SchedulerConfig = {}) {
    super(DEFINITION, options);
    checkOrder('solverOrder', this.options.solverOrder, 3);
  }

  protected override levels(request: TimestepRequest): Levels {
    return this.repeatedLevels(request, this.options.numTrainTimesteps);
  }

  step<A extends Sample>(modelOutput: A, t: Timestep, sample: A, options: StepOptions<A> = {}): StepResult<A> {
    const ops = arithmeticOf(sample, options.shape);
    const position = this.start(t);
    const { solverOrder, lowerOrderFinal } = this.options;
    const left = this.timesteps.length - position;
    const isFew = lowerOrderFinal && this.timesteps.length < 15;
    const result = ops.scope(() => {
      const { original, epsilon } = this.predictions(ops, modelOutput, sample, position);
      this.history.push(ops, epsilon(), solverOrder);
      const order = Math.min(this.history.length, isFew ? left : solverOrder);
      const terms: [Coefficient, A][] = [[this.point(position + 1).alpha / this.point(position).alpha, sample]];
      this.#weights(position, order).forEach((weight, back) => terms.push([weight, this.history.at<A>(back)]));
      return { prevSample: ops.combine(...terms), predOriginalSample: original };
    });
    this.finish(position);
    return result;
  }

  /** Weights of the newest predictions, newest first. */
  #weights(position: number, order: number): number[] {
    const to = this.point(position + 1);
    if (order === 1) return multistepCoefficients([to, this.point(position)], 'dpmsolver', 'midpoint').outputs;
    const logs = Array.from({ length: order }, (_, back) => -this.point(position - back).lambda);
    const [from, end] = [logs[0]!, -to.lambda];
    return logs.map((log, i) => {
      const others = logs.filter((_, k) => k !== i);
      const scale = others.reduce((product, other) => product * (log - other), 1);
      const integral = lagrangeIntegral(end, others) - lagrangeIntegral(from, others);
      return (to.alpha * integral) / scale;
    });
  }
}

/** The primitive, in ρ, of Π (log ρ - c) over one or two numbers c, at ρ = e^l. */
function lagrangeIntegral(l: number, [c, d]: readonly number[]): number {
  if (d === undefined) return Math.exp(l) * (l - 1 - c!);
  return Math.exp(l) * (l * l - 2 * l + 2 - (c! + d) * (l - 1) + c! * d);
}
