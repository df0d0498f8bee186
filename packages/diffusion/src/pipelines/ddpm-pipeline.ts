import { DDPMScheduler } from '@missing-u/schedulers';
import type { SamplingScheduler } from '../contracts.ts';
import { DiffusionPipeline, type PipelineParts } from './diffusion-pipeline.ts';

/** Ancestral sampling (Ho et al. 2020): 1000 steps unless told otherwise. Without a scheduler it has a `DDPMScheduler`. */
export class DDPMPipeline extends DiffusionPipeline {
  constructor(parts: Omit<PipelineParts, 'scheduler'> & { scheduler?: SamplingScheduler }) {
    super({ ...parts, scheduler: parts.scheduler ?? new DDPMScheduler() } as PipelineParts);
  }
}
