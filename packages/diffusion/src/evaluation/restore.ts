import { invalidArgument } from '@missing-u/errors';
import * as tf from '@tensorflow/tfjs-core';
import type { Denoiser, SamplingScheduler } from '../contracts.ts';
import { DiffusionError } from '../errors.ts';
import { generatorsOf, noisePerItem, type Randomness } from '../pipelines/noise.ts';
import { checkImages, checkValues, toModelRange, toUnitRange } from '../pipelines/ranges.ts';
import { finish, reverseProcess } from '../pipelines/reverse-process.ts';
import { checkMetrics } from './check-metrics.ts';
import type { GenerativeMetric } from './evaluate.ts';

/** A scheduler that visits timesteps of one's own: DDIM and DDPM do. */
export type ListScheduler = Omit<SamplingScheduler, 'setTimesteps'> & {
  readonly config: Readonly<Record<string, unknown>>;
  setTimesteps(request: { timesteps: ArrayLike<number> }): void;
};

export interface RestoreOptions {
  unet: Denoiser;
  /** Of the chain that the denoiser was trained on; DDIM by the comparison. */
  scheduler: ListScheduler;
  /** Clean images that were not trained on, [batch, height, width, channels], float32 in [0, 1]; they stay alive. */
  images: tf.Tensor4D;
  /** For conditional networks: the class of all images. */
  classLabels?: number;
  /** The timestep to which the images are noised. */
  from: number;
  /** Denoising steps from there, evenly: one step gives the mean of what the image may have been. */
  steps: number;
  /** Perception: measures of the restored images as a set. */
  metrics: Readonly<Record<string, GenerativeMetric>>;
  /** Image i is noised by fork i; default seed 0. */
  generator?: Randomness;
  /** Images computed together; default 64. */
  chunkSize?: number;
  signal?: AbortSignal;
}

/** A point of the perception-distortion plane (Blau and Michaeli 2018). */
export interface Restored {
  from: number;
  steps: number;
  count: number;
  /** Distortion: root of the mean squared error to the clean images, in [0, 1]. */
  rmse: number;
  /** Perception: per metric, of the restored images. */
  values: Record<string, number>;
}

/**
 * Noises images to a fixed timestep, denoises them, and measures how far the results are from the originals and from looking real.
 *
 * @throws DiffusionError `DIFFUSION_BAD_COUNT` for a timestep outside the chain or more steps than `from + 1`, `DIFFUSION_BAD_IMAGES`,
 *   `DIFFUSION_BAD_METRICS`, `DIFFUSION_BAD_GENERATORS`
 */
export async function restore(options: RestoreOptions): Promise<Restored> {
  const { unet, classLabels, scheduler, images, from, steps, metrics, generator = 0, chunkSize = 64, signal } = options;
  checkMetrics(metrics, ['update', 'compute']);
  checkImages(images);
  checkValues(await images.data<'float32'>());
  const timesteps = evenly(from, steps, Number(scheduler.config['num_train_timesteps']));
  const [count] = images.shape;
  let squares = 0;
  for (let first = 0; first < count; first += chunkSize) {
    const size = Math.min(chunkSize, count - first);
    const generators = generatorsOf(generator, first, size);
    const clean = tf.slice(images, [first, 0, 0, 0], [size, -1, -1, -1]);
    try {
      scheduler.setTimesteps({ timesteps });
      const sample = tf.tidy(() => {
        const noise = noisePerItem(generators, clean.shape.slice(1) as [number, number, number]);
        const times = generators.map(() => from);
        return scheduler.addNoise(toModelRange(clean), noise, times);
      });
      const process = { unet, scheduler: scheduler as unknown as SamplingScheduler, sample, timesteps, generators };
      const condition = classLabels === undefined ? {} : { classLabels: generators.map(() => classLabels) };
      const last = await finish(reverseProcess({ ...process, ...condition, ...(signal && { signal }) }));
      const restored = toUnitRange(last);
      last.dispose();
      try {
        const error = tf.tidy(() => tf.sum(tf.squaredDifference(restored, clean)));
        squares += (await error.data())[0]!;
        error.dispose();
        for (const metric of Object.values(metrics)) await metric.update(restored, { real: false });
      } finally {
        restored.dispose();
      }
    } finally {
      clean.dispose();
    }
  }
  const values: Record<string, number> = {};
  for (const [name, metric] of Object.entries(metrics)) values[name] = await metric.compute();
  return { from, steps, count, rmse: Math.sqrt(squares / images.size), values };
}

/**
 * Refuses a timestep that the chain does not have.
 *
 * @throws DiffusionError `DIFFUSION_BAD_COUNT`
 */
export function checkFrom(from: number, chain: number): void {
  if (Number.isInteger(from) && from >= 0 && from < chain) return;
  refuse('from', from, `an integer from 0 to ${chain - 1}, a timestep of the trained chain`);
}

/** `steps` timesteps from `from` down. */
function evenly(from: number, steps: number, chain: number): number[] {
  checkFrom(from, chain);
  if (!(Number.isInteger(steps) && steps >= 1 && steps <= from + 1)) {
    refuse('steps', steps, `an integer from 1 to ${from + 1}, as many timesteps as there are from ${from}`);
  }
  return Array.from({ length: steps }, (_, i) => Math.floor(((from + 1) * (steps - i)) / steps) - 1);
}

function refuse(argument: string, value: number, allowed: string): never {
  throw new DiffusionError('DIFFUSION_BAD_COUNT', invalidArgument({ argument, value, allowed }));
}
