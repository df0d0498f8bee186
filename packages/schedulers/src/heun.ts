import { arithmeticOf } from './arithmetic/choose.ts';
import type { Definition, SchedulerConfig } from './config.ts';
import { DISCRETE_CHOICES } from './discrete.ts';
import { mixed } from './prediction.ts';
import type { Sample, Timestep } from './sample.ts';
import type { StepOptions, StepResult } from './scheduler.ts';
import { SIGMA_DEFAULTS, SigmaScheduler, sigmaOriginalMix, type Levels, type SigmaOptions } from './sigma-scheduler.ts';
import type { TimestepRequest } from './timestep-request.ts';

export interface HeunOptions extends SigmaOptions {
  clipSample: boolean;
  clipSampleRange: number;
}

const DEFINITION: Definition<HeunOptions> = {
  name: 'HeunDiscreteScheduler',
  defaults: { ...SIGMA_DEFAULTS, betaStart: 0.00085, betaEnd: 0.012, clipSample: false, clipSampleRange: 1 },
  choices: DISCRETE_CHOICES,
  hidden: ['rescaleBetasZeroSnr'],
};

/** Heun's method (Karras et al. 2022, algorithm 1): two model calls per level, the second at the next level. */
export class HeunDiscreteScheduler extends SigmaScheduler<HeunOptions> {
  override readonly order = 2;

  constructor(options: Partial<HeunOptions> | SchedulerConfig = {}) {
    super(DEFINITION, options);
    this.setTimesteps(this.betas.length);
  }

  protected override levels(request: TimestepRequest): Levels {
    const { timesteps, sigmas } = super.levels(request);
    return { timesteps: doubled(timesteps), sigmas: doubled(sigmas, 1) };
  }

  step<A extends Sample>(modelOutput: A, t: Timestep, sample: A, options: StepOptions<A> = {}): StepResult<A> {
    const ops = arithmeticOf(sample, options.shape);
    const position = this.position(t);
    // Kept after the first half: x, and d at x.
    const isFirst = this.history.length === 0;
    const [from, to] = isFirst ? [position, position + 1] : [position - 1, position];
    const [sigma, next] = [this.sigmas[from]!, this.sigmas[to]!];
    const level = isFirst ? sigma : next;
    const { predictionType, clipSample, clipSampleRange } = this.options;
    const result = ops.scope(() => {
      const estimate = mixed(ops, sigmaOriginalMix(predictionType, level), sample, modelOutput);
      const predOriginalSample = clipSample ? ops.clip(estimate, -clipSampleRange, clipSampleRange) : estimate;
      const derivative = ops.combine([1 / level, sample], [-1 / level, predOriginalSample]);
      if (isFirst) {
        const prevSample = ops.combine([1, sample], [next - sigma, derivative]);
        this.history.push(ops, derivative, 2);
        this.history.push(ops, sample, 2);
        return { prevSample, predOriginalSample };
      }
      const half = (next - sigma) / 2;
      const prevSample = ops.combine([1, this.history.at<A>(0)], [half, this.history.at<A>(1)], [half, derivative]);
      this.history.clear();
      return { prevSample, predOriginalSample };
    });
    this.finish(position);
    return result;
  }
}

/** Every number twice, but the first, and the last `single` of them. */
export function doubled(numbers: Float64Array, single = 0): Float64Array {
  const last = numbers.length - single;
  return Float64Array.from([...numbers].flatMap((one, i) => (i === 0 || i >= last ? [one] : [one, one])));
}
