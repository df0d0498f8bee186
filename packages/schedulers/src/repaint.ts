import { arithmeticOf } from './arithmetic/choose.ts';
import type { Definition, SchedulerConfig } from './config.ts';
import {
  DISCRETE_CHOICES,
  DISCRETE_DEFAULTS,
  DiscreteScheduler,
  notStarted,
  type DiscreteOptions,
} from './discrete.ts';
import { SchedulerError, refuse } from './errors.ts';
import { stepNoise } from './noise.ts';
import { mixed } from './prediction.ts';
import type { Sample, Timestep } from './sample.ts';
import { type StepOptions, type StepResult } from './scheduler.ts';
import { checkStepCount, checkRequest, type TimestepRequest } from './timestep-request.ts';

export interface RePaintOptions extends DiscreteOptions {
  /** 0 is DDIM, 1 DDPM. */
  eta: number;
  clipSample: boolean;
}

export interface RePaintTimestepOptions {
  /** Steps of one jump back towards noise, j in the paper. */
  jumpLength?: number;
  /** How often each stretch is gone through, r in the paper. */
  jumpNSample?: number;
}

export interface RePaintStepOptions<A extends Sample = Sample> extends StepOptions<A> {
  /** The picture whose known part is kept. */
  originalImage: A;
  /** 1 where the picture is known, 0 where it is to be painted. */
  mask: A;
}

const DEFINITION: Definition<RePaintOptions> = {
  name: 'RePaintScheduler',
  defaults: { ...DISCRETE_DEFAULTS, eta: 0, clipSample: true },
  choices: { ...DISCRETE_CHOICES, predictionType: ['epsilon'] },
  hidden: ['rescaleBetasZeroSnr', 'timestepSpacing', 'stepsOffset', 'predictionType'],
};

/**
 * Inpainting with an unconditional model (Lugmayr et al., "RePaint: Inpainting using Denoising Diffusion Probabilistic
 * Models", 2022, algorithm 1). `timesteps` rises where the loop goes back: call `undoStep` there, `step` elsewhere.
 */
export class RePaintScheduler extends DiscreteScheduler<RePaintOptions> {
  constructor(options: Partial<RePaintOptions> | SchedulerConfig = {}) {
    super(DEFINITION, options);
  }

  override setTimesteps(request: TimestepRequest, options: RePaintTimestepOptions = {}): void {
    checkRequest(request);
    const count = checkStepCount(request, this.options.numTrainTimesteps);
    const { jumpLength = 10, jumpNSample = 10 } = options;
    if (!(Number.isInteger(jumpLength) && jumpLength >= 1)) {
      refuse({ argument: 'jumpLength', value: jumpLength, allowed: 'an integer of 1 or more' });
    }
    const jumps = new Map<number, number>();
    for (let j = 0; j < count - jumpLength; j += jumpLength) jumps.set(j, jumpNSample - 1);
    const visited: number[] = [];
    for (let t = count - 1; t >= 0; t--) {
      visited.push(t);
      const left = jumps.get(t) ?? 0;
      if (left <= 0) continue;
      jumps.set(t, left - 1);
      for (let back = 0; back < jumpLength; back++) visited.push(++t);
    }
    this.numInferenceSteps = count;
    this.timesteps = Float64Array.from(visited, (t) => t * this.#stride());
    this.reset();
  }

  /** The timestep one step cleaner. */
  override previousTimestep(t: number): number {
    return t - this.#stride();
  }

  /** Equation 8: the known part from the picture, the rest from the model. */
  step<A extends Sample>(modelOutput: A, t: Timestep, sample: A, options: RePaintStepOptions<A>): StepResult<A> {
    if (this.numInferenceSteps === null) throw notStarted('RePaintScheduler');
    const remedy = 'to make pictures from noise alone, take another scheduler';
    for (const argument of ['originalImage', 'mask'] as const) {
      const value = (options as Partial<RePaintStepOptions<A>> | undefined)?.[argument];
      if (value === undefined) refuse({ argument, value, allowed: 'given, since known parts are kept', remedy });
    }
    const ops = arithmeticOf(sample, options.shape);
    return ops.scope(() => {
      const at = this.perTimestep(t, (one) => this.#coefficients(one));
      const estimate = mixed(ops, { sample: at.mixSample, output: at.mixOutput }, sample, modelOutput);
      const predOriginalSample = this.options.clipSample ? ops.clip(estimate, -1, 1) : estimate;
      const noise = stepNoise(ops, options);
      const unknown = ops.combine([at.signal, predOriginalSample], [at.direction, modelOutput], [at.deviation, noise]);
      const known = ops.combine([at.signal, options.originalImage], [at.sigma, noise]);
      const difference = ops.combine([1, known], [-1, unknown]);
      return { prevSample: ops.combine([1, unknown], [1, ops.multiply(options.mask, difference)]), predOriginalSample };
    });
  }

  /** One step back towards noise, from `timestep`: √(1-β) x + √β ε for every trained timestep in between, or, with given noise, in one. */
  undoStep<A extends Sample>(sample: A, timestep: number, options: StepOptions<A>): A {
    const ops = arithmeticOf(sample, options.shape);
    return ops.scope(() => {
      if (options.noise !== undefined) {
        const left = this.betas
          .slice(timestep, timestep + this.#stride())
          .reduce((product, beta) => product * (1 - beta), 1);
        return ops.combine([Math.sqrt(left), sample], [Math.sqrt(1 - left), stepNoise(ops, options)]);
      }
      let noisier = sample;
      for (let i = 0; i < this.#stride(); i++) {
        const beta = this.betas[timestep + i]!;
        noisier = ops.combine([Math.sqrt(1 - beta), noisier], [Math.sqrt(beta), stepNoise(ops, options)]);
      }
      return noisier;
    });
  }

  override addNoise(): never {
    const message = 'RePaintScheduler only samples: train with the addNoise() of DDPMScheduler.';
    throw new SchedulerError('SCHEDULER_UNSUPPORTED', message);
  }

  #stride(): number {
    return Math.floor(this.options.numTrainTimesteps / this.numInferenceSteps!);
  }

  #coefficients(t: number) {
    const previous = this.previousTimestep(t);
    const product = this.alphasCumprod[t]!;
    const before = previous >= 0 ? this.alphasCumprod[previous]! : 1;
    const variance = ((1 - before) / (1 - product)) * (1 - product / before);
    const deviation = this.options.eta * Math.sqrt(variance);
    const mix = this.originalMix(t);
    return {
      mixSample: mix.sample,
      mixOutput: mix.output,
      signal: Math.sqrt(before),
      sigma: Math.sqrt(1 - before),
      direction: Math.sqrt(Math.max(0, 1 - before - deviation ** 2)),
      deviation: t > 0 ? deviation : 0,
    };
  }
}
