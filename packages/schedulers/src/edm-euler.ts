import { arithmeticOf } from './arithmetic/choose.ts';
import { churn, churned, type ChurnOptions } from './churn.ts';
import type { Definition, SchedulerConfig } from './config.ts';
import { EDM_CHOICES, EDM_DEFAULTS, EdmScheduler, type EdmOptions } from './edm.ts';
import type { Sample, Timestep } from './sample.ts';
import type { StepResult } from './scheduler.ts';

const DEFINITION: Definition<EdmOptions> = { name: 'EDMEulerScheduler', defaults: EDM_DEFAULTS, choices: EDM_CHOICES };

/** Euler's method with churn for networks with EDM's preconditioning (Karras et al. 2022, algorithm 2 without its second half). */
export class EDMEulerScheduler extends EdmScheduler<EdmOptions> {
  constructor(options: Partial<EdmOptions> | SchedulerConfig = {}) {
    super(DEFINITION, options);
    const total = this.options.numTrainTimesteps;
    this.useLevels(
      Float64Array.from({ length: total + 1 }, (_, i) => i / total),
      true,
    );
  }

  /** The last level once more, as in diffusers. */
  protected override leastSigma(levels: Float64Array): number {
    return levels.at(-1)!;
  }

  step<A extends Sample>(modelOutput: A, t: Timestep, sample: A, options: ChurnOptions<A> = {}): StepResult<A> {
    const ops = arithmeticOf(sample, options.shape);
    const result = ops.scope(() => {
      const at = this.perPosition(t, (position) => {
        const [sigma, next] = [this.sigmas[position]!, this.sigmas[position + 1]!];
        const { hat, added } = churn(sigma, this.sigmas.length - 1, options, this.round);
        const mix = this.denoisedMix(hat);
        return { added, skip: mix.sample, out: mix.output, ratio: next / hat, rest: 1 - next / hat };
      });
      const noisy = churned(ops, sample, at.added, options);
      const predOriginalSample = ops.combine([at.skip, noisy], [at.out, modelOutput]);
      return { prevSample: ops.combine([at.ratio, noisy], [at.rest, predOriginalSample]), predOriginalSample };
    });
    this.follow(t);
    return result;
  }
}
