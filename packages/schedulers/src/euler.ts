import { arithmeticOf } from './arithmetic/choose.ts';
import { churn, churned, type ChurnOptions } from './churn.ts';
import type { Definition, SchedulerConfig } from './config.ts';
import { DISCRETE_CHOICES } from './discrete.ts';
import { refuse } from './errors.ts';
import { UNCLIPPED, stepByRule } from './prediction.ts';
import type { Sample, Timestep } from './sample.ts';
import type { StepResult } from './scheduler.ts';
import { torchLinspace } from './schedules/numeric.ts';
import type { SigmaRange } from './schedules/sigmas.ts';
import { SIGMA_DEFAULTS, SigmaScheduler, sigmaOriginalMix, type Levels, type SigmaOptions } from './sigma-scheduler.ts';
import { checkFalling, checkRequest, type TimestepRequest } from './timestep-request.ts';

export interface EulerOptions extends SigmaOptions {
  interpolationType: 'linear' | 'log_linear';
  /** Bounds of the Karras, exponential and beta levels; by default those of the timesteps. */
  sigmaMin: number | null;
  sigmaMax: number | null;
  /** `continuous` names levels by log(σ)/4, for models with v_prediction that want that. */
  timestepType: 'discrete' | 'continuous';
  finalSigmasType: 'zero' | 'sigma_min';
}

const DEFINITION: Definition<EulerOptions> = {
  name: 'EulerDiscreteScheduler',
  defaults: {
    ...SIGMA_DEFAULTS,
    interpolationType: 'linear',
    sigmaMin: null,
    sigmaMax: null,
    timestepType: 'discrete',
    finalSigmasType: 'zero',
  },
  choices: {
    ...DISCRETE_CHOICES,
    interpolationType: ['linear', 'log_linear'],
    timestepType: ['discrete', 'continuous'],
    finalSigmasType: ['zero', 'sigma_min'],
  },
};

/** Euler's method with churn (Karras et al., "Elucidating the Design Space...", 2022, algorithm 2 without its second half). */
export class EulerDiscreteScheduler extends SigmaScheduler<EulerOptions> {
  constructor(options: Partial<EulerOptions> | SchedulerConfig = {}) {
    super(DEFINITION, options);
    if (this.#isContinuous()) this.timesteps = continuousTimesteps(this.sigmas);
  }

  protected override levels(request: TimestepRequest): Levels {
    const levels = this.#chosenLevels(request);
    return this.#isContinuous() ? { ...levels, timesteps: continuousTimesteps(levels.sigmas) } : levels;
  }

  /** Equation 3: x' = x + (σ' - σ̂) d with d = (x - x0) / σ̂; σ̂ > σ where churn adds noise first. */
  step<A extends Sample>(modelOutput: A, t: Timestep, sample: A, options: ChurnOptions<A> = {}): StepResult<A> {
    const ops = arithmeticOf(sample, options.shape);
    const result = ops.scope(() => {
      const at = this.perPosition(t, (position) => {
        const [sigma, next] = [this.sigmas[position]!, this.sigmas[position + 1]!];
        const { hat, added } = churn(sigma, this.sigmas.length - 1, options, this.round);
        // For v_prediction the output belongs to σ, not to σ̂.
        const type = this.options.predictionType;
        const mix = sigmaOriginalMix(type, type === 'epsilon' ? hat : sigma);
        const [originalSample, originalOutput] = [mix.sample, mix.output];
        return { added, originalSample, originalOutput, original: 1 - next / hat, sample: next / hat, output: 0 };
      });
      return stepByRule(ops, at, churned(ops, sample, at.added, options), modelOutput, UNCLIPPED, []);
    });
    this.follow(t);
    return result;
  }

  #chosenLevels(request: TimestepRequest): Levels {
    const { finalSigmasType, interpolationType, sigmaMin, sigmaMax } = this.options;
    checkRequest(request, 'timesteps', 'sigmas');
    if (typeof request === 'object' && 'sigmas' in request) {
      const sigmas = checkSigmas(request.sigmas);
      return { sigmas, timesteps: sigmas.subarray(0, -1).map((sigma) => this.timestepOf(sigma)) };
    }
    if (typeof request === 'object' && this.#isContinuous()) {
      refuse({ argument: 'timesteps', value: request, allowed: 'left out where timestepType is continuous' });
    }
    const bounds = { ...(sigmaMin === null ? {} : { sigmaMin }), ...(sigmaMax === null ? {} : { sigmaMax }) };
    const spaced = this.spacedLevels(request, bounds);
    const { timesteps, sigmas } = interpolationType === 'linear' ? spaced : this.#logLinear(spaced.timesteps, bounds);
    return { timesteps, sigmas: Float64Array.of(...sigmas, finalSigmasType === 'zero' ? 0 : this.trainedSigmas[0]!) };
  }

  /** Levels even in log σ over the whole chain, one more than timesteps, unless a named schedule replaces them. */
  #logLinear(timesteps: Float64Array, bounds: Partial<SigmaRange>): Levels {
    const [low, high] = [Math.log(this.trainedSigmas[0]!), Math.log(this.trainedSigmas.at(-1)!)];
    const sigmas = torchLinspace(high, low, timesteps.length + 1, this.options.precision).map(Math.exp);
    return this.scheduled({ timesteps, sigmas }, bounds);
  }

  #isContinuous(): boolean {
    return this.options.timestepType === 'continuous' && this.options.predictionType === 'v_prediction';
  }
}

function continuousTimesteps(sigmas: Float64Array): Float64Array {
  return sigmas.subarray(0, -1).map((sigma) => 0.25 * Math.log(sigma));
}

/** Chosen levels: two or more that fall; the last is where sampling ends. */
function checkSigmas(sigmas: ArrayLike<number>): Float64Array {
  const list = checkFalling('sigmas', sigmas);
  if (list.length > 1) return list;
  const allowed = 'a falling list of two or more noise levels, the last being the one to end at (usually 0)';
  return refuse({ argument: 'sigmas', value: sigmas, allowed });
}
