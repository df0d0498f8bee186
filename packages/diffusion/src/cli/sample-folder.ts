import type { Denoiser, SamplingScheduler } from '../contracts.ts';
import { DiffusionPipeline } from '../pipelines/diffusion-pipeline.ts';
import { sampleSet, type SampleSetOptions } from '../runs/sample-set.ts';
import { interruptible } from './interrupt.ts';
import { startProgress } from './progress.ts';

export interface FolderOptions extends Omit<SampleSetOptions, 'pipeline' | 'signal' | 'onProgress'> {
  network: Denoiser;
  scheduler: SamplingScheduler;
}

/** Fills a folder with pictures of their own, with a progress bar; what is there already of the same settings is kept. */
export async function sampleFolder({ network, scheduler, ...options }: FolderOptions): Promise<{ seconds: number }> {
  const begin = performance.now();
  const pipeline = new DiffusionPipeline({ unet: network, scheduler });
  const progress = startProgress('sampling', options.count);
  try {
    const onProgress = (done: number) => progress.update(done);
    await interruptible((signal) => sampleSet({ ...options, pipeline, signal, onProgress }));
  } finally {
    progress.stop();
    pipeline.dispose();
  }
  return { seconds: (performance.now() - begin) / 1000 };
}
