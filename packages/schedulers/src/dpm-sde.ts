import { torchGenerator, type Generator } from '@missing-u/random';
import { arithmeticOf } from './arithmetic/choose.ts';
import type { Arithmetic } from './arithmetic/arithmetic.ts';
import { wholeIncrement } from './brownian.ts';
import type { Definition, SchedulerConfig } from './config.ts';
import { DISCRETE_CHOICES } from './discrete.ts';
import { ancestralStep } from './euler-ancestral.ts';
import { refuse } from './errors.ts';
import { doubled } from './heun.ts';
import { KDPM2_DEFAULTS } from './kdpm2.ts';
import { stepNoise } from './noise.ts';
import { mixed } from './prediction.ts';
import type { Sample, Timestep } from './sample.ts';
import type { StepOptions, StepResult } from './scheduler.ts';
import { SigmaScheduler, sigmaOriginalMix, type Levels, type SigmaOptions } from './sigma-scheduler.ts';
import { checkRequest, type TimestepRequest } from './timestep-request.ts';

export interface DpmSdeOptions extends SigmaOptions {
  /** Seeds the noise of steps that are given neither noise nor a generator; null makes them ask for one. */
  noiseSamplerSeed: number | null;
}

export interface DpmSdeStepOptions<A extends Sample = Sample> extends StepOptions<A> {
  /** Inflation of the added noise. */
  sNoise?: number;
}

const DEFINITION: Definition<DpmSdeOptions> = {
  name: 'DPMSolverSDEScheduler',
  defaults: { ...KDPM2_DEFAULTS, noiseSamplerSeed: null },
  choices: { ...DISCRETE_CHOICES, predictionType: ['epsilon', 'v_prediction'] },
  hidden: ['rescaleBetasZeroSnr'],
};

/**
 * DPM-Solver++ (SDE) of second order in k-diffusion's form (`sample_dpmpp_sde`; Karras et al. 2022): a midpoint in log σ, two
 * model calls per level. The noise of both stages belongs to one Brownian path: that of the second is given, or drawn, for the
 * rest of the way from the midpoint. diffusers' path comes from torchsde's tree, whose numbers are not repeated here.
 */
export class DPMSolverSDEScheduler extends SigmaScheduler<DpmSdeOptions> {
  override readonly order = 2;
  #generator: Generator | undefined;

  constructor(options: Partial<DpmSdeOptions> | SchedulerConfig = {}) {
    super(DEFINITION, options);
    const { noiseSamplerSeed: seed } = this.options;
    if (seed !== null && !Number.isSafeInteger(seed)) {
      refuse({ argument: 'noiseSamplerSeed', value: seed, allowed: 'an integer or null' });
    }
    this.setTimesteps(this.betas.length);
  }

  protected override levels(request: TimestepRequest): Levels {
    checkRequest(request);
    const { timesteps, sigmas } = this.spacedLevels(request);
    const interleaved = [...timesteps].flatMap((t, i) =>
      i === 0 ? [t] : [this.timestepOf(Math.sqrt(sigmas[i - 1]! * sigmas[i]!)), t],
    );
    return { timesteps: Float64Array.from(interleaved), sigmas: doubled(Float64Array.of(...sigmas, 0), 1) };
  }

  override reset(): void {
    super.reset();
    this.#generator = undefined;
  }

  /** The second call of a level sees the sample at the midpoint. */
  override scaleModelInput<A extends Sample>(sample: A, t: Timestep): A {
    const { scale } = this.perPosition(t, (position) => {
      const { sigma, middle } = this.#stage(position);
      return { scale: 1 / Math.hypot(middle === undefined ? sigma : middle, 1) };
    });
    return arithmeticOf(sample).combine([scale, sample]);
  }

  step<A extends Sample>(modelOutput: A, t: Timestep, sample: A, options: DpmSdeStepOptions<A> = {}): StepResult<A> {
    const ops = arithmeticOf(sample, options.shape);
    const position = this.position(t);
    const { sigma, next, middle } = this.#stage(position);
    const isFirst = middle === undefined;
    const result = ops.scope(() => {
      const mix = sigmaOriginalMix(this.options.predictionType, isFirst ? sigma : middle);
      const predOriginalSample = mixed(ops, mix, sample, modelOutput);
      if (next === 0) return { prevSample: ops.combine([1, predOriginalSample]), predOriginalSample };
      const to = isFirst ? Math.sqrt(sigma * next) : next;
      const { down, up } = ancestralStep(sigma, to, this.round, this.options.matchDiffusers);
      const own = this.#noise(ops, options);
      const noise = isFirst ? own : wholeIncrement(ops, [sigma, middle, next], this.history.at<A>(0), own);
      const prevSample = ops.combine(
        [down / sigma, isFirst ? sample : this.history.at<A>(1)],
        [1 - down / sigma, predOriginalSample],
        [up * (options.sNoise ?? 1), noise],
      );
      if (isFirst) {
        this.history.push(ops, sample, 2);
        this.history.push(ops, own, 2);
      } else this.history.clear();
      return { prevSample, predOriginalSample };
    });
    this.finish(position);
    return result;
  }

  /** The level a step comes from and the next one; in its second half also the midpoint, where the sample is. */
  #stage(position: number): { sigma: number; next: number; middle?: number } {
    const isFirst = this.history.length === 0;
    const [sigma, next] = [
      this.sigmas[isFirst ? position : position - 1]!,
      this.sigmas[isFirst ? position + 1 : position]!,
    ];
    return { sigma, next, ...(!isFirst && { middle: Math.sqrt(sigma * next) }) };
  }

  #noise<A extends Sample>(ops: Arithmetic<A>, options: StepOptions<A>): A {
    const { noiseSamplerSeed: seed } = this.options;
    if (options.noise !== undefined || options.generator !== undefined || seed === null) return stepNoise(ops, options);
    this.#generator ??= torchGenerator(seed);
    return stepNoise(ops, { generator: this.#generator });
  }
}
