import { arithmeticOf } from './arithmetic/choose.ts';
import type { Coefficient } from './arithmetic/arithmetic.ts';
import type { Definition, SchedulerConfig } from './config.ts';
import { DISCRETE_CHOICES } from './discrete.ts';
import { mixed } from './prediction.ts';
import type { Sample, Timestep } from './sample.ts';
import type { StepOptions, StepResult } from './scheduler.ts';
import { SIGMA_DEFAULTS, SigmaScheduler, sigmaOriginalMix, type SigmaOptions } from './sigma-scheduler.ts';

export interface LMSStepOptions<A extends Sample = Sample> extends StepOptions<A> {
  /** How many derivatives are used at most; 4 by default. */
  order?: number;
}

const DEFINITION: Definition<SigmaOptions> = {
  name: 'LMSDiscreteScheduler',
  defaults: SIGMA_DEFAULTS,
  choices: DISCRETE_CHOICES,
  hidden: ['rescaleBetasZeroSnr'],
};

/** Linear multistep (Adams-Bashforth on uneven levels) after k-diffusion's `sample_lms`. */
export class LMSDiscreteScheduler extends SigmaScheduler<SigmaOptions> {
  constructor(options: Partial<SigmaOptions> | SchedulerConfig = {}) {
    super(DEFINITION, options);
  }

  step<A extends Sample>(modelOutput: A, t: Timestep, sample: A, options: LMSStepOptions<A> = {}): StepResult<A> {
    const ops = arithmeticOf(sample, options.shape);
    const position = this.position(t);
    const sigma = this.sigmas[position]!;
    const { order: most = 4 } = options;
    const result = ops.scope(() => {
      const predOriginalSample = mixed(ops, sigmaOriginalMix(this.options.predictionType, sigma), sample, modelOutput);
      this.history.push(ops, ops.combine([1 / sigma, sample], [-1 / sigma, predOriginalSample]), most);
      const order = Math.min(position + 1, most);
      const terms: [Coefficient, A][] = [[1, sample]];
      for (let back = 0; back < Math.min(order, this.history.length); back++) {
        terms.push([lmsCoefficient(this.sigmas, position, order, back), this.history.at<A>(back)]);
      }
      return { prevSample: ops.combine(...terms), predOriginalSample };
    });
    this.finish(position);
    return result;
  }
}

/**
 * The integral, from one level to the next, of the Lagrange polynomial that is 1 at the level `back` steps ago and 0 at the
 * others. Three Gauss points are exact for the polynomials up to degree five that occur here.
 */
export function lmsCoefficient(sigmas: Float64Array, position: number, order: number, back: number): number {
  const [from, to] = [sigmas[position]!, sigmas[position + 1]!];
  const basis = (sigma: number) => {
    let product = 1;
    for (let k = 0; k < order; k++) {
      const other = sigmas[position - k]!;
      if (k !== back) product *= (sigma - other) / (sigmas[position - back]! - other);
    }
    return product;
  };
  const [middle, half] = [(from + to) / 2, (to - from) / 2];
  const offset = half * Math.sqrt(0.6);
  return (half * (5 * basis(middle - offset) + 8 * basis(middle) + 5 * basis(middle + offset))) / 9;
}
