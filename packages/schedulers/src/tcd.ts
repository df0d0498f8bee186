import { arithmeticOf } from './arithmetic/choose.ts';
import type { Coefficient } from './arithmetic/arithmetic.ts';
import type { Definition, SchedulerConfig } from './config.ts';
import { DISCRETE_CHOICES, notStarted } from './discrete.ts';
import { refuse } from './errors.ts';
import { DISTILLED_DEFAULTS, DistilledScheduler, type DistilledOptions } from './lcm.ts';
import { stepNoise } from './noise.ts';
import { epsilonMix, mixed } from './prediction.ts';
import type { Sample, Timestep } from './sample.ts';
import type { StepOptions, StepResult } from './scheduler.ts';

export interface TCDStepOptions<A extends Sample = Sample> extends StepOptions<A> {
  /** γ of the paper, in [0, 1]: how far the step goes beyond the next timestep before noise brings it back; 0.3 by default. */
  eta?: number;
}

const DEFINITION: Definition<DistilledOptions> = {
  name: 'TCDScheduler',
  defaults: DISTILLED_DEFAULTS,
  choices: DISCRETE_CHOICES,
};

/** Strategic stochastic sampling (Zheng et al., "Trajectory Consistency Distillation", 2024, algorithm 4). */
export class TCDScheduler extends DistilledScheduler {
  constructor(options: Partial<DistilledOptions> | SchedulerConfig = {}) {
    super(DEFINITION, options);
  }

  /** To s = (1 - η) t' without noise, then with noise up to the next timestep t'. */
  step<A extends Sample>(modelOutput: A, t: Timestep, sample: A, options: TCDStepOptions<A> = {}): StepResult<A> {
    if (this.numInferenceSteps === null) throw notStarted('TCDScheduler');
    const { eta = 0.3 } = options;
    if (!(eta >= 0 && eta <= 1)) refuse({ argument: 'eta', value: eta, allowed: 'a number in [0, 1]' });
    const ops = arithmeticOf(sample, options.shape);
    const result = ops.scope(() => {
      const at = this.perPosition(t, (position) => this.#coefficients(position, eta));
      const predOriginalSample = mixed(ops, { sample: at.mixSample, output: at.mixOutput }, sample, modelOutput);
      const epsilon = mixed(ops, { sample: at.epsilonSample, output: at.epsilonOutput }, sample, modelOutput);
      const terms: [Coefficient, A][] = [
        [at.original, predOriginalSample],
        [at.direction, epsilon],
      ];
      if (at.noise !== 0) terms.push([at.noise, stepNoise(ops, options)]);
      return { prevSample: ops.combine(...terms), predOriginalSample };
    });
    this.follow(t);
    return result;
  }

  protected override distilledTimesteps(original: number, strength: number, isGiven: boolean): number[] {
    if (!isGiven) return super.distilledTimesteps(original, strength, isGiven);
    // With a step count of one's own, any timestep may be visited.
    const count = Math.floor(this.options.numTrainTimesteps * strength);
    return Array.from({ length: count }, (_, i) => count - 1 - i);
  }

  #coefficients(position: number, eta: number) {
    const t = this.timesteps[position]!;
    const next = this.timesteps[position + 1] ?? 0;
    const within = Math.floor((1 - eta) * next);
    const { signal, noise } = this.forwardScales(within);
    // √(ᾱ'/ᾱ_s) scales what was reached; the rest is noise. Nothing is added in the last step.
    const isNoisy = eta > 0 && position + 1 < this.timesteps.length;
    const ratio = isNoisy ? this.round(this.alphasCumprod[next]! / this.alphasCumprod[within]!) : 1;
    const scale = Math.sqrt(ratio);
    const mix = this.originalMix(t);
    const here = this.forwardScales(t);
    const epsilon = epsilonMix(this.options.predictionType, here.signal, here.noise);
    return {
      mixSample: mix.sample,
      mixOutput: mix.output,
      epsilonSample: epsilon.sample,
      epsilonOutput: epsilon.output,
      original: scale * signal,
      direction: scale * noise,
      noise: isNoisy ? Math.sqrt(this.round(1 - ratio)) : 0,
    };
  }
}
