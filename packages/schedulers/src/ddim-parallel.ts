import { DDIM_DEFINITION, DDIMScheduler, type DDIMOptions, type DDIMStepOptions } from './ddim.ts';
import type { SchedulerConfig } from './config.ts';
import { refuse } from './errors.ts';
import type { Sample, Timestep } from './sample.ts';

/** DDIM for parallel sampling (Shih et al., "Parallel Sampling of Diffusion Models", 2023): many timesteps of a chain at once. */
export class DDIMParallelScheduler extends DDIMScheduler {
  constructor(options: Partial<DDIMOptions> | SchedulerConfig = {}) {
    super(options, { ...DDIM_DEFINITION, name: 'DDIMParallelScheduler' });
  }

  /** The next samples of a deterministic chain; every item has its own timestep. */
  batchStepNoNoise<A extends Sample>(
    modelOutput: A,
    timesteps: Timestep,
    sample: A,
    options: DDIMStepOptions<A> = {},
  ): A {
    if ((options.eta ?? 0) !== 0) refuse({ argument: 'eta', value: options.eta, allowed: '0 where no noise is added' });
    return this.step(modelOutput, timesteps, sample, options).prevSample;
  }
}
