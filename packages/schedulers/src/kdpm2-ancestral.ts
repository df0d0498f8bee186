import { arithmeticOf } from './arithmetic/choose.ts';
import type { Definition, SchedulerConfig } from './config.ts';
import { DISCRETE_CHOICES } from './discrete.ts';
import { ancestralStep } from './euler-ancestral.ts';
import { doubled } from './heun.ts';
import { KDPM2_DEFAULTS, roundedIfKarras, withEnd } from './kdpm2.ts';
import { stepNoise } from './noise.ts';
import { mixed } from './prediction.ts';
import type { Sample, Timestep } from './sample.ts';
import type { StepOptions, StepResult } from './scheduler.ts';
import { SigmaScheduler, sigmaOriginalMix, type Levels, type SigmaOptions } from './sigma-scheduler.ts';
import { checkRequest, type TimestepRequest } from './timestep-request.ts';

const DEFINITION: Definition<SigmaOptions> = {
  name: 'KDPM2AncestralDiscreteScheduler',
  defaults: KDPM2_DEFAULTS,
  choices: { ...DISCRETE_CHOICES, predictionType: ['epsilon', 'v_prediction'] },
  hidden: ['rescaleBetasZeroSnr'],
};

/** DPM-Solver-2 down to σ_down by way of the midpoint in log σ, then fresh noise of σ_up (k-diffusion's `sample_dpm_2_ancestral`). */
export class KDPM2AncestralDiscreteScheduler extends SigmaScheduler<SigmaOptions> {
  override readonly order = 2;
  /** For each of `sigmas`: the midpoint on the way down from it, and the two parts of the step. */
  #middles: Float64Array = new Float64Array();
  #downs: Float64Array = new Float64Array();
  #ups: Float64Array = new Float64Array();

  constructor(options: Partial<SigmaOptions> | SchedulerConfig = {}) {
    super(DEFINITION, options);
    this.setTimesteps(this.betas.length);
  }

  protected override levels(request: TimestepRequest): Levels {
    checkRequest(request);
    const { timesteps, sigmas: bare } = roundedIfKarras(this.spacedLevels(request), this.options);
    const sigmas = Float64Array.of(...bare, 0).map(this.round);
    const { matchDiffusers } = this.options;
    const parts = Array.from(bare, (_, i) => ancestralStep(sigmas[i]!, sigmas[i + 1]!, this.round, matchDiffusers));
    const middles = parts.map(({ down }, i) => this.round(Math.sqrt(sigmas[i]! * down)));
    this.#downs = doubled(Float64Array.of(...parts.map(({ down }) => down), 0));
    this.#ups = doubled(Float64Array.of(...parts.map(({ up }) => up), 0));
    this.#middles = doubled(Float64Array.of(...middles, 0));
    const interleaved = middles.slice(0, -1).flatMap((middle, i) => [this.timestepOf(middle), timesteps[i + 1]!]);
    return { timesteps: Float64Array.of(timesteps[0]!, ...interleaved), sigmas: withEnd(doubled(sigmas)) };
  }

  override scaleModelInput<A extends Sample>(sample: A, t: Timestep): A {
    const { scale } = this.perPosition(t, (position) => {
      const sigma = this.history.length === 0 ? this.sigmas[position]! : this.#middles[position - 1]!;
      return { scale: 1 / Math.sqrt(sigma ** 2 + 1) };
    });
    return arithmeticOf(sample).combine([scale, sample]);
  }

  step<A extends Sample>(modelOutput: A, t: Timestep, sample: A, options: StepOptions<A> = {}): StepResult<A> {
    const ops = arithmeticOf(sample, options.shape);
    const position = this.position(t);
    const isFirst = this.history.length === 0;
    const from = isFirst ? position : position - 1;
    const [sigma, middle, up] = [this.sigmas[from]!, this.#middles[from]!, this.#ups[from]!];
    const level = isFirst ? sigma : middle;
    const result = ops.scope(() => {
      const predOriginalSample = mixed(ops, sigmaOriginalMix(this.options.predictionType, level), sample, modelOutput);
      const [start, end]: [A, number] = isFirst ? [sample, middle] : [this.history.at<A>(0), this.#downs[from]!];
      const slope = (end - sigma) / level;
      const mean = ops.combine([1, start], [slope, sample], [-slope, predOriginalSample]);
      if (isFirst) {
        this.history.push(ops, sample, 1);
        return { prevSample: mean, predOriginalSample };
      }
      const prevSample = up === 0 ? mean : ops.combine([1, mean], [up, stepNoise(ops, options)]);
      this.history.clear();
      return { prevSample, predOriginalSample };
    });
    this.finish(position);
    return result;
  }
}
