import type * as tf from '@tensorflow/tfjs-core';
import { checkPositive } from '../check-positive.ts';
import type { DiffusionPipeline, SampleOptions } from '../pipelines/diffusion-pipeline.ts';
import { labelsOf, labelsOfChunk } from '../pipelines/labels.ts';
import { checkMetrics } from './check-metrics.ts';

/** A measure of a set of images against another set, whose images it has seen already: FID, KID, Inception Score... */
export interface GenerativeMetric {
  /** Images [batch, height, width, channels] in [0, 1]. */
  update(images: tf.Tensor4D, options: { real: boolean }): void | Promise<void>;
  compute(): number | Promise<number>;
}

export interface EvaluateOptions extends Omit<SampleOptions, 'batchSize' | 'callbackOnStepEnd' | 'first'> {
  pipeline: DiffusionPipeline;
  /** Images to sample and measure. */
  count: number;
  metrics: Readonly<Record<string, GenerativeMetric>>;
  /** Told after each chunk how many images are done. */
  onProgress?: (done: number) => void;
}

export interface Evaluation {
  count: number;
  values: Record<string, number>;
  /** Time of the sampling alone. */
  seconds: number;
  /** Of one call of the network and one step of the scheduler on a chunk of images. */
  secondsPerStep: number;
}

/**
 * Samples images in chunks and measures them, in memory that does not grow with their number.
 *
 * @throws DiffusionError `DIFFUSION_BAD_COUNT`, `DIFFUSION_BAD_METRICS`, `DIFFUSION_BAD_LABELS`, and those of `DiffusionPipeline.sample`
 */
export async function evaluate(options: EvaluateOptions): Promise<Evaluation> {
  const { pipeline, count, metrics, onProgress, chunkSize = 64, classLabels: labels, ...sampling } = options;
  checkPositive({ count, chunkSize });
  checkMetrics(metrics, ['update', 'compute']);
  labelsOf(labels, count, pipeline.unet);
  const callbackOnStepEnd = () => void (steps += 1);
  let [seconds, steps] = [0, 0];
  for (let first = 0; first < count; first += chunkSize) {
    const batchSize = Math.min(chunkSize, count - first);
    const begin = performance.now();
    const chunk = { first, batchSize, chunkSize, ...labelsOfChunk(labels, first, batchSize) };
    const images = await pipeline.sample({ ...sampling, ...chunk, callbackOnStepEnd });
    seconds += (performance.now() - begin) / 1000;
    try {
      for (const metric of Object.values(metrics)) await metric.update(images, { real: false });
    } finally {
      images.dispose();
    }
    onProgress?.(first + batchSize);
  }
  const values: Record<string, number> = {};
  for (const [name, metric] of Object.entries(metrics)) values[name] = await metric.compute();
  return { count, values, seconds, secondsPerStep: seconds / steps };
}
