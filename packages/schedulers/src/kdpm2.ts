import { arithmeticOf } from './arithmetic/choose.ts';
import type { Definition, SchedulerConfig } from './config.ts';
import { DISCRETE_CHOICES } from './discrete.ts';
import { doubled } from './heun.ts';
import { mixed } from './prediction.ts';
import type { Sample, Timestep } from './sample.ts';
import type { StepOptions, StepResult } from './scheduler.ts';
import { roundHalfEven } from './schedules/numeric.ts';
import { SIGMA_DEFAULTS, SigmaScheduler, sigmaOriginalMix, type Levels, type SigmaOptions } from './sigma-scheduler.ts';
import { checkRequest, type TimestepRequest } from './timestep-request.ts';

export const KDPM2_DEFAULTS: SigmaOptions = { ...SIGMA_DEFAULTS, betaStart: 0.00085, betaEnd: 0.012 };

const DEFINITION: Definition<SigmaOptions> = {
  name: 'KDPM2DiscreteScheduler',
  defaults: KDPM2_DEFAULTS,
  choices: { ...DISCRETE_CHOICES, predictionType: ['epsilon', 'v_prediction'] },
  hidden: ['rescaleBetasZeroSnr'],
};

/** DPM-Solver-2 (Lu et al., "DPM-Solver", 2022, algorithm 1; Karras et al. 2022): a midpoint in log σ, two model calls per level. */
export class KDPM2DiscreteScheduler extends SigmaScheduler<SigmaOptions> {
  override readonly order = 2;
  /** The midpoint before each of `sigmas`. */
  #middles: Float64Array = new Float64Array();

  constructor(options: Partial<SigmaOptions> | SchedulerConfig = {}) {
    super(DEFINITION, options);
    this.setTimesteps(this.betas.length);
  }

  protected override levels(request: TimestepRequest): Levels {
    checkRequest(request);
    const { timesteps, sigmas: bare } = roundedIfKarras(this.spacedLevels(request), this.options);
    const sigmas = Float64Array.of(...bare, 0).map(this.round);
    const middles = sigmas.map((sigma, i) => this.round(Math.sqrt(sigma * sigmas.at(i - 1)!)));
    this.#middles = doubled(middles);
    const between = middles.slice(1, -1).map((sigma) => this.timestepOf(sigma));
    const interleaved = [...between].flatMap((middle, i) => [middle, timesteps[i + 1]!]);
    return { timesteps: Float64Array.of(timesteps[0]!, ...interleaved), sigmas: withEnd(doubled(sigmas)) };
  }

  /** The second call of a level sees the sample at the midpoint. */
  override scaleModelInput<A extends Sample>(sample: A, t: Timestep): A {
    const { scale } = this.perPosition(t, (position) => {
      const sigma = this.history.length === 0 ? this.sigmas[position]! : this.#middles[position]!;
      return { scale: 1 / Math.sqrt(sigma ** 2 + 1) };
    });
    return arithmeticOf(sample).combine([scale, sample]);
  }

  step<A extends Sample>(modelOutput: A, t: Timestep, sample: A, options: StepOptions<A> = {}): StepResult<A> {
    const ops = arithmeticOf(sample, options.shape);
    const position = this.position(t);
    const isFirst = this.history.length === 0;
    const [from, to] = isFirst ? [position, position + 1] : [position - 1, position];
    const [sigma, middle, next] = [this.sigmas[from]!, this.#middles[to]!, this.sigmas[to]!];
    const level = isFirst ? sigma : middle;
    const result = ops.scope(() => {
      const predOriginalSample = mixed(ops, sigmaOriginalMix(this.options.predictionType, level), sample, modelOutput);
      const [start, end]: [A, number] = isFirst ? [sample, middle] : [this.history.at<A>(0), next];
      const slope = (end - sigma) / level;
      const prevSample = ops.combine([1, start], [slope, sample], [-slope, predOriginalSample]);
      if (isFirst) this.history.push(ops, sample, 1);
      else this.history.clear();
      return { prevSample, predOriginalSample };
    });
    this.finish(position);
    return result;
  }
}

/** Karras levels are named by whole timesteps here. */
export function roundedIfKarras({ timesteps, sigmas }: Levels, options: SigmaOptions): Levels {
  return { timesteps: options.useKarrasSigmas ? timesteps.map(roundHalfEven) : timesteps, sigmas };
}

/** The end once more, as diffusers lists the levels of these two schedulers. */
export function withEnd(levels: Float64Array): Float64Array {
  return Float64Array.of(...levels, levels.at(-1)!);
}
