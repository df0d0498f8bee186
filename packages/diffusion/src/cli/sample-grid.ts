import type { Denoiser } from '../contracts.ts';
import { DiffusionPipeline } from '../pipelines/diffusion-pipeline.ts';
import type { RunConfig } from '../runs/config.ts';
import { checkWritable } from '../runs/files.ts';
import { datasetChannels, makeScheduler } from '../runs/registry.ts';
import { interruptible } from './interrupt.ts';
import { startProgress } from './progress.ts';
import { writeSamples } from './write-samples.ts';

interface GridOptions {
  config: RunConfig;
  model: Denoiser;
  scheduler: string;
  steps: number;
  count: number;
  batch: number;
  seed: number;
  eta?: number;
  /** The picture. */
  out: string;
  /** Also the bytes of all images, as array `samples`, uint8 NHWC. */
  npz?: string;
}

/** Samples images with a progress bar and writes them as a grid. */
export async function sampleGrid(options: GridOptions): Promise<{ seconds: number }> {
  const { config, model, count, out, npz, eta } = options;
  for (const file of npz === undefined ? [out] : [out, npz]) checkWritable(file);
  const pipeline = new DiffusionPipeline({ unet: model, scheduler: makeScheduler(options.scheduler, config) });
  const begin = performance.now();
  const progress = startProgress('sampling', Math.ceil(count / options.batch) * options.steps);
  const images = await interruptible((signal) =>
    pipeline.sample({
      imageShape: [config.size, config.size, datasetChannels(config)],
      batchSize: count,
      chunkSize: options.batch,
      numInferenceSteps: options.steps,
      generator: options.seed,
      signal,
      callbackOnStepEnd: (_pipeline, step, timestep) => progress.update(step + 1, `t ${timestep}`),
      ...(eta === undefined ? {} : { eta }),
    }),
  ).finally(() => progress.stop());
  const seconds = (performance.now() - begin) / 1000;
  try {
    await writeSamples({ data: await images.data(), shape: images.shape }, out, npz);
  } finally {
    images.dispose();
  }
  return { seconds };
}
