import { DDPM_DEFINITION, DDPMScheduler, type DDPMOptions } from './ddpm.ts';
import type { SchedulerConfig } from './config.ts';
import type { Sample, Timestep } from './sample.ts';
import type { StepOptions } from './scheduler.ts';

/** DDPM for parallel sampling (Shih et al., "Parallel Sampling of Diffusion Models", 2023): many timesteps of a chain at once. */
export class DDPMParallelScheduler extends DDPMScheduler {
  constructor(options: Partial<DDPMOptions> | SchedulerConfig = {}) {
    super(options, { ...DDPM_DEFINITION, name: 'DDPMParallelScheduler' });
  }

  /** The means of the next samples, without their noise; every item has its own timestep. */
  batchStepNoNoise<A extends Sample>(modelOutput: A, timesteps: Timestep, sample: A, options: StepOptions<A> = {}): A {
    return this.reverse(modelOutput, timesteps, sample, options, false).prevSample;
  }
}
