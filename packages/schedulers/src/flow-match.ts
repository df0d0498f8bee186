import { arithmeticOf } from './arithmetic/choose.ts';
import type { Definition, SchedulerConfig } from './config.ts';
import type { Sample, Timestep } from './sample.ts';
import { COMMON_DEFAULTS, Scheduler, type CommonOptions } from './scheduler.ts';
import { linspace } from './schedules/numeric.ts';
import { type TimestepRequest } from './timestep-request.ts';

export interface FlowOptions extends CommonOptions {
  numTrainTimesteps: number;
  /** Shifts levels towards noise, for larger pictures (Esser et al. 2024, equation 23). */
  shift: number;
}

export const FLOW_DEFAULTS: FlowOptions = { ...COMMON_DEFAULTS, numTrainTimesteps: 1000, shift: 1 };

/** A scheduler of straight flows x = (1 - σ) x0 + σ ε, whose models return ε - x0 (Liu et al. 2023; Lipman et al. 2023). */
export abstract class FlowScheduler<O extends FlowOptions> extends Scheduler<O> {
  /** What the model returns, which is no option of these schedulers: ε - x0. */
  readonly predictionType = 'flow_prediction';
  /** Noise levels of the steps, and the one at the end. */
  sigmas: Float64Array;
  /** Bounds of the trained levels. */
  readonly sigmaMin: number;
  readonly sigmaMax: number;

  constructor(definition: Definition<O>, given: Partial<O> | SchedulerConfig) {
    super(definition, given);
    const { numTrainTimesteps: total, shift } = this.options;
    // With dynamic shifting the trained levels are those before the shift.
    const isShifted = (this.options as { useDynamicShifting?: boolean }).useDynamicShifting !== true;
    const even = Float64Array.from({ length: total }, (_, i) => this.round((total - i) / total));
    this.sigmas = isShifted ? even.map((sigma) => this.round(shifted(sigma, shift))) : even;
    this.timesteps = this.sigmas.map((sigma) => this.round(sigma * total));
    this.sigmaMin = this.sigmas.at(-1)!;
    this.sigmaMax = this.sigmas[0]!;
  }

  abstract override setTimesteps(request: TimestepRequest): void;

  /** (1 - σ) x0 + σ ε at one of the listed timesteps, or one per item. */
  addNoise<A extends Sample>(original: A, noise: A, timesteps: Timestep): A {
    const at = this.perPosition(timesteps, (position) => {
      const sigma = this.sigmas[position]!;
      return { sigma, signal: 1 - sigma };
    });
    return arithmeticOf(original).combine([at.signal, original], [at.sigma, noise]);
  }

  /** `addNoise` with diffusers' order of arguments. */
  scaleNoise<A extends Sample>(sample: A, timestep: Timestep, noise: A): A {
    return this.addNoise(sample, noise, timestep);
  }

  /** Even levels between the trained bounds. */
  protected evenSigmas(count: number): Float64Array {
    const total = this.options.numTrainTimesteps;
    return linspace(this.sigmaMax * total, this.sigmaMin * total, count).map((t) => t / total);
  }
}

export function shifted(sigma: number, shift: number): number {
  return (shift * sigma) / (1 + (shift - 1) * sigma);
}
