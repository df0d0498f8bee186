import type { Term } from './arithmetic/arithmetic.ts';
import { arithmeticOf } from './arithmetic/choose.ts';
import type { Definition, SchedulerConfig } from './config.ts';
import { DISCRETE_CHOICES } from './discrete.ts';
import { stepNoise } from './noise.ts';
import { UNCLIPPED, stepByRule } from './prediction.ts';
import type { Round } from './precision.ts';
import type { Sample, Timestep } from './sample.ts';
import type { StepOptions, StepResult } from './scheduler.ts';
import { SIGMA_DEFAULTS, SigmaScheduler, sigmaOriginalMix, type SigmaOptions } from './sigma-scheduler.ts';

const DEFINITION: Definition<SigmaOptions> = {
  name: 'EulerAncestralDiscreteScheduler',
  defaults: SIGMA_DEFAULTS,
  choices: DISCRETE_CHOICES,
  hidden: ['useKarrasSigmas', 'useExponentialSigmas', 'useBetaSigmas'],
};

/** Euler's method down to σ_down, then fresh noise of σ_up: DDPM's ancestral step for noise levels (k-diffusion). */
export class EulerAncestralDiscreteScheduler extends SigmaScheduler<SigmaOptions> {
  constructor(options: Partial<SigmaOptions> | SchedulerConfig = {}) {
    super(DEFINITION, options);
  }

  step<A extends Sample>(modelOutput: A, t: Timestep, sample: A, options: StepOptions<A> = {}): StepResult<A> {
    const ops = arithmeticOf(sample, options.shape);
    const result = ops.scope(() => {
      const at = this.perPosition(t, (position) => {
        const [from, to] = [this.sigmas[position]!, this.sigmas[position + 1]!];
        const { down, up } = ancestralStep(from, to, this.round, this.options.matchDiffusers);
        const mix = sigmaOriginalMix(this.options.predictionType, from);
        const [originalSample, originalOutput] = [mix.sample, mix.output];
        return { originalSample, originalOutput, original: 1 - down / from, sample: down / from, output: 0, up };
      });
      const added: Term<A>[] = at.up === 0 ? [] : [[at.up, stepNoise(ops, options)]];
      return stepByRule(ops, at, sample, modelOutput, UNCLIPPED, added);
    });
    this.follow(t);
    return result;
  }
}

/**
 * σ_up² = σ'² (σ² - σ'²) / σ² and σ_down² = σ'² - σ_up² = σ'⁴ / σ². diffusers forms the difference, which float32 can make
 * negative (diffusers#14213: NaN under the cosine schedule); `naive` repeats that.
 */
export function ancestralStep(from: number, to: number, round: Round, naive: boolean): { down: number; up: number } {
  if (!naive) return { down: to ** 2 / from, up: to * Math.sqrt(Math.max(0, 1 - (to / from) ** 2)) };
  const [before, after] = [round(from ** 2), round(to ** 2)];
  const up = round(Math.sqrt(round(round(after * round(before - after)) / before)));
  return { up, down: round(Math.sqrt(round(after - round(up ** 2)))) };
}
