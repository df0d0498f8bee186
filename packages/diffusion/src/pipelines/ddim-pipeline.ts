import { DDIMScheduler, type SchedulerConfig } from '@missing-u/schedulers';
import type { SamplingScheduler } from '../contracts.ts';
import { DiffusionPipeline, type PipelineParts } from './diffusion-pipeline.ts';

/**
 * Implicit sampling (Song et al. 2021): 50 steps and `eta` 0 unless told otherwise. Whatever scheduler it is given, it samples
 * with a `DDIMScheduler` of that one's chain, as diffusers' does.
 */
export class DDIMPipeline extends DiffusionPipeline {
  protected override readonly defaults = { numInferenceSteps: 50, eta: 0 };

  constructor(parts: Omit<PipelineParts, 'scheduler'> & { scheduler?: SamplingScheduler }) {
    const config = (parts.scheduler as { config?: SchedulerConfig } | undefined)?.config;
    const scheduler = config === undefined ? new DDIMScheduler() : DDIMScheduler.fromConfig(config);
    super({ ...parts, scheduler } as PipelineParts);
  }
}
