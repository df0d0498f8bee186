import * as tf from '@tensorflow/tfjs-core';
import { invalidArgument } from '@missing-u/errors';
import { DenoisersError } from '../errors.ts';
import { isTensor, rasterShape, type Picture, type RasterImage } from '../raster.ts';
import type { Planes } from './planes.ts';
import { assemble, prepare, type Bm3dOptions, type Run } from './prepare.ts';
import { filterTile, StageResult, tasksOf } from './stages.ts';
import { createTileWorker, processors, TileWorkers, type TileWorker } from './workers.ts';

/**
 * Removes white Gaussian noise: block matching and 3-D filtering.
 *
 * K. Dabov, A. Foi, V. Katkovnik, K. Egiazarian, "Image denoising by sparse 3-D transform-domain collaborative filtering",
 * IEEE Transactions on Image Processing 16(8), 2007; M. Lebrun, "An analysis and implementation of the BM3D image denoising
 * method", Image Processing On Line 2, 2012 (the description).
 *
 * @param image values of 0 to 1 plus noise, not clipped: `{ data, width, height, channels }` with 1 or 3 channels, or a
 *   tensor of shape [height, width] or [height, width, channels]. It is left as it is.
 * @param sigma standard deviation of the noise on the same scale (25/255, not 25); estimated where it is undefined; 0 gives
 *   the image back; up to 10, and from 1 on only for values that spread enough to hold such noise.
 * @returns a picture of the same kind and shape, not clipped.
 * @throws DenoisersError for images smaller than a patch, other scales, unknown profiles and parameters out of range.
 */
export function bm3d<T extends Picture>(image: T, sigma?: number, options?: Bm3dOptions): T;
export function bm3d(image: Picture, sigma?: number, options: Bm3dOptions = {}): Picture {
  if (isTensor(image)) {
    const raster = { ...rasterShape(image), data: Float32Array.from(image.dataSync()) };
    return tensorOf(bm3d(raster, sigma, options), image.shape);
  }
  const runs = prepare(image, sigma, options);
  const results = runs.map((run) => {
    if (isClean(run)) return run.noisy;
    const basic = oneStage(run, undefined);
    return run.stage === 'all' ? oneStage(run, basic) : basic;
  });
  return assemble(image, runs, results);
}

export interface Bm3dAsyncOptions extends Bm3dOptions {
  /** How many; default one for each processor. */
  workers?: number;
  /** Starts a worker that runs `@missing-u/denoisers/bm3d.worker`, for bundlers that do not find it by themselves. */
  createWorker?: () => TileWorker;
}

/** As `bm3d`, to the bit, in worker threads: the tiles of the image are shared among them. */
export async function bm3dAsync<T extends Picture>(image: T, sigma?: number, options?: Bm3dAsyncOptions): Promise<T>;
export async function bm3dAsync(image: Picture, sigma?: number, options: Bm3dAsyncOptions = {}): Promise<Picture> {
  if (isTensor(image)) {
    const raster = { ...rasterShape(image), data: Float32Array.from(await image.data()) };
    return tensorOf(await bm3dAsync(raster, sigma, options), image.shape);
  }
  const { workers = processors(), createWorker = createTileWorker } = options;
  if (!Number.isInteger(workers) || workers < 1) {
    const bad = { argument: 'workers', value: workers, allowed: 'an integer of 1 or more' };
    throw new DenoisersError('DENOISERS_BAD_PARAMETER', invalidArgument(bad));
  }
  const runs = prepare(image, sigma, options);
  if (runs.every(isClean)) return bm3d(image, 0, options);
  const pool = new TileWorkers(workers, createWorker);
  try {
    const results = runs.map(async (run) => {
      if (isClean(run)) return run.noisy;
      const basic = await oneStageAsync(run, undefined, pool);
      return run.stage === 'all' ? oneStageAsync(run, basic, pool) : basic;
    });
    return assemble(image, runs, await Promise.all(results));
  } finally {
    await pool.close();
  }
}

function isClean({ sigmas }: Run): boolean {
  return sigmas.every((sigma) => sigma === 0);
}

function oneStage({ noisy, sigmas, parameters }: Run, basic: Planes | undefined): Planes {
  const result = new StageResult(noisy);
  for (const task of tasksOf({ noisy, basic, sigmas, parameters })) result.add(task, filterTile(task));
  return result.planes();
}

async function oneStageAsync(
  { noisy, sigmas, parameters }: Run,
  basic: Planes | undefined,
  pool: TileWorkers,
): Promise<Planes> {
  const result = new StageResult(noisy);
  const tasks = [...tasksOf({ noisy, basic, sigmas, parameters })];
  const filtered = await Promise.all(tasks.map((task) => pool.filter(task)));
  // In the order of the tiles, so that the sums are those of the synchronous function.
  for (const [index, task] of tasks.entries()) result.add(task, filtered[index]!);
  return result.planes();
}

function tensorOf({ data }: RasterImage, shape: number[]): tf.Tensor2D | tf.Tensor3D {
  return tf.tensor<tf.Rank.R2>(data, shape as [number, number], 'float32');
}
