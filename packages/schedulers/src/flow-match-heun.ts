import { arithmeticOf } from './arithmetic/choose.ts';
import { churn, churned, type ChurnOptions } from './churn.ts';
import type { Definition, SchedulerConfig } from './config.ts';
import { FLOW_DEFAULTS, FlowScheduler, shifted, type FlowOptions } from './flow-match.ts';
import { doubled } from './heun.ts';
import type { Sample, Timestep } from './sample.ts';
import type { StepResult } from './scheduler.ts';
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

  /** With churn (Karras et al. 2022, algorithm 2) the level is raised from σ to σ̂ first, and the flow at x scaled by σ / σ̂. */
  step<A extends Sample>(modelOutput: A, t: Timestep, sample: A, options: ChurnOptions<A> = {}): StepResult<A> {
    const ops = arithmeticOf(sample, options.shape);
    const position = this.position(t);
    // Kept after the first half: x, and the flow at x.
    const isFirst = this.history.length === 0;
    const [from, to] = isFirst ? [position, position + 1] : [position - 1, position];
    const [sigma, next] = [this.sigmas[from]!, this.sigmas[to]!];
    const { hat, added } = churn(sigma, this.sigmas.length - 1, options, this.round);
    const ratio = sigma / hat;
    const result = ops.scope(() => {
      // Drawn in both halves, as diffusers does, so that a seed means the same noise; the second has no use for it.
      const noisy = churned(ops, sample, added, options);
      const predOriginalSample = ops.combine([1, isFirst ? noisy : sample], [-(isFirst ? sigma : next), modelOutput]);
      if (isFirst) {
        this.history.push(ops, modelOutput, 2);
        this.history.push(ops, noisy, 2);
        return { prevSample: ops.combine([1, noisy], [(next - hat) * ratio, modelOutput]), predOriginalSample };
      }
      const half = (next - hat) / 2;
      const start = this.history.at<A>(0);
      const prevSample = ops.combine([1, start], [half * ratio, this.history.at<A>(1)], [half, modelOutput]);
      this.history.clear();
      return { prevSample, predOriginalSample };
    });
    this.finish(position);
    return result;
  }
}
