import { arithmeticOf } from './arithmetic/choose.ts';
import type { Definition, SchedulerConfig } from './config.ts';
import { FLOW_DEFAULTS, FlowScheduler, shifted, type FlowOptions } from './flow-match.ts';
import { doubled } from './heun.ts';
import type { Sample, Timestep } from './sample.ts';
import { type StepOptions, type StepResult } from './scheduler.ts';
import { checkStepCount, checkRequest, type TimestepRequest } from './timestep-request.ts';

const DEFINITION: Definition<FlowOptions> = {
  name: 'FlowMatchHeunDiscreteScheduler',
  defaults: FLOW_DEFAULTS,
  choices: { precision: ['float64', 'float32'] },
};

/** Heun's method on a straight flow: two model calls per level, the second at the next level. */
export class FlowMatchHeunDiscreteScheduler extends FlowScheduler<FlowOptions> {
  override readonly order = 2;

  constructor(options: Partial<FlowOptions> | SchedulerConfig = {}) {
    super(DEFINITION, options);
  }

  setTimesteps(request: TimestepRequest): void {
    checkRequest(request);
    const { numTrainTimesteps: total, shift } = this.options;
    const levels = this.evenSigmas(checkStepCount(request)).map((sigma) => this.round(shifted(sigma, shift)));
    this.timesteps = doubled(levels.map((sigma) => this.round(sigma * total)));
    this.sigmas = doubled(Float64Array.of(...levels, 0), 1);
    this.reset();
  }

  step<A extends Sample>(modelOutput: A, t: Timestep, sample: A, options: StepOptions<A> = {}): StepResult<A> {
    const ops = arithmeticOf(sample, options.shape);
    const position = this.position(t);
    // Kept after the first half: x, and the flow at x.
    const isFirst = this.history.length === 0;
    const [from, to] = isFirst ? [position, position + 1] : [position - 1, position];
    const [sigma, next] = [this.sigmas[from]!, this.sigmas[to]!];
    const result = ops.scope(() => {
      const predOriginalSample = ops.combine([1, sample], [-(isFirst ? sigma : next), modelOutput]);
      if (isFirst) {
        this.history.push(ops, modelOutput, 2);
        this.history.push(ops, sample, 2);
        return { prevSample: ops.combine([1, sample], [next - sigma, modelOutput]), predOriginalSample };
      }
      const half = (next - sigma) / 2;
      const prevSample = ops.combine([1, this.history.at<A>(0)], [half, this.history.at<A>(1)], [half, modelOutput]);
      this.history.clear();
      return { prevSample, predOriginalSample };
    });
    this.finish(position);
    return result;
  }
}
