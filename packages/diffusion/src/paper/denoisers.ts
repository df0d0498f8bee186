import {
  bm3dDenoiser,
  ConvAutoencoder,
  DnCNN,
  trainDenoiser,
  type ImageDenoiser,
  type RasterImage,
} from '@missing-u/denoisers';
import { compile } from '@missing-u/engine';
import type { Generator } from '@missing-u/random';
import * as tf from '@tensorflow/tfjs-core';
import type { TrainingScheduler } from '../contracts.ts';
import { nextTurn } from '../next-turn.ts';
import { noisePerItem } from '../pipelines/noise.ts';
import type { Table } from '../reports/table.ts';
import { measuresOf, type MeasuredDenoising } from './denoising.ts';
import type { ExperimentResult } from './experiment.ts';
import { table4 as published } from './published.ts';
import type { LPIPS } from '@missing-u/metrics';

export interface DenoisersOptions {
  scheduler: TrainingScheduler & { readonly alphasCumprod: ArrayLike<number> };
  /** Clean test images, [count, height, width, channels], float32 in [-1, 1]; they stay alive. */
  images: tf.Tensor4D;
  /** Clean images to train the auto-encoder and DnCNN on, values in [0, 1]. */
  training: readonly RasterImage[];
  /** Optimiser steps for each network and noise level. */
  trainingSteps: number;
  starts: readonly number[];
  generator: Generator;
  lpips?: LPIPS;
  onProgress?: (done: number, total: number, what: string) => void;
  signal?: AbortSignal;
}

/** One method on the images of one noise level: means over the images. */
export interface MeasuredDenoiser {
  method: string;
  start: number;
  ssim: number;
  lpips: number | null;
}

/**
 * The rows of Table 4 that are no diffusion models: BM3D, told the true noise, and the auto-encoder and DnCNN, trained for each
 * noise level. All see the same images: x_t of the forward process, scaled so that the clean image is in it as it is.
 */
export async function measureDenoisers(options: DenoisersOptions): Promise<MeasuredDenoiser[]> {
  const { starts, images, trainingSteps, onProgress } = options;
  const results: MeasuredDenoiser[] = [];
  const total = starts.length * 2 * trainingSteps;
  let done = 0;
  for (const start of starts) {
    const { noisy, sigma } = noised(options, start);
    try {
      const trained = (name: string) => () => onProgress?.((done += 1), total, `${name} for t = ${start}`);
      for (const [method, make] of Object.entries(methods)) {
        const { denoiser, dispose } = await make(sigma, options, trained(method));
        try {
          results.push({ method, start, ...(await compared(denoiser, noisy, sigma, images, options.lpips)) });
        } finally {
          dispose();
        }
      }
    } finally {
      noisy.dispose();
    }
  }
  return results;
}

/** Images as the forward process leaves them, [0, 1] plus noise of standard deviation sigma. */
function noised({ images, scheduler, generator }: DenoisersOptions, start: number) {
  const kept = scheduler.alphasCumprod[start - 1]!;
  const noisy = tf.tidy(() => {
    const generators = Array.from({ length: images.shape[0] }, (_, i) => generator.fork(i));
    const noise = noisePerItem(generators, images.shape.slice(1) as [number, number, number]);
    const sample = scheduler.addNoise(images, noise, new Array<number>(images.shape[0]).fill(start - 1));
    return tf.add<tf.Tensor4D>(tf.mul(sample, 0.5 / Math.sqrt(kept)), 0.5);
  });
  return { noisy, sigma: Math.sqrt((1 - kept) / kept) / 2 };
}

interface Made {
  denoiser: ImageDenoiser;
  dispose(): void;
}

type Make = (sigma: number, options: DenoisersOptions, onStep: () => void) => Promise<Made>;

/** Forks of the generator from here on train; those below noise the test images, as for the diffusion models. */
const TRAINING = 2 ** 30;

/** The methods of Table 4 by its names; another one is one line. */
const methods: Readonly<Record<string, Make>> = {
  BM3D: () => Promise.resolve({ denoiser: bm3dDenoiser(), dispose: () => undefined }),
  'Conv AE': trained((channels, mean) => new ConvAutoencoder({ channels, mean }), { batchSize: 32, fork: 1 }),
  // Twenty layers at full resolution: many small steps teach it more in a minute than few large ones.
  DnCNN: trained((channels) => new DnCNN({ channels, depth: 20, bias: 'none' }), { batchSize: 4, fork: 2 }),
};

function trained(
  make: (channels: number, mean: number) => ConvAutoencoder | DnCNN,
  { batchSize, fork }: { batchSize: number; fork: number },
): Make {
  return async (sigma, { images, training, trainingSteps, generator, signal }, onStep) => {
    const model = make(images.shape[3], meanOf(training));
    try {
      await trainDenoiser(model, training, {
        sigma,
        steps: trainingSteps,
        batchSize,
        patchSize: images.shape[1],
        turns: false,
        generator: generator.fork(TRAINING + fork),
        compile: (step) => compile(step),
        // Nothing else waits in these steps, and no signal would arrive.
        onStep: () => {
          onStep();
          return nextTurn();
        },
        ...(signal && { signal }),
      });
      return { denoiser: model, dispose: () => model.dispose() };
    } catch (error) {
      model.dispose();
      throw error;
    }
  };
}

function meanOf(pictures: readonly RasterImage[]): number {
  let [sum, count] = [0, 0];
  for (const { data } of pictures) {
    for (const value of data) sum += value;
    count += data.length;
  }
  return sum / count;
}

async function compared(
  denoiser: ImageDenoiser,
  noisy: tf.Tensor4D,
  sigma: number,
  clean: tf.Tensor4D,
  lpips: LPIPS | undefined,
): Promise<Pick<MeasuredDenoiser, 'ssim' | 'lpips'>> {
  const denoised = await denoiser.denoise(noisy, { sigma });
  // To the [-1, 1] that the measures take.
  const signed = tf.tidy(() => tf.sub<tf.Tensor4D>(tf.mul(denoised, 2), 1));
  denoised.dispose();
  try {
    const means: Record<string, number> = {};
    for (const [name, { compute }] of Object.entries(measuresOf(lpips))) {
      const value = tf.tidy(() => tf.mean(compute(signed, clean)));
      means[name] = (await value.data())[0]!;
      value.dispose();
    }
    return { ssim: means['ssim']!, lpips: means['lpips'] ?? null };
  } finally {
    signed.dispose();
  }
}

/** Table 4: the diffusion models beside denoisers of other kinds. */
export function table4(
  denoisers: readonly MeasuredDenoiser[],
  diffusion: readonly MeasuredDenoising[],
  setUp: string,
): ExperimentResult {
  const measured: MeasuredDenoiser[] = [
    ...denoisers,
    ...diffusion.map(({ model, start, best }) => ({
      method: `diffusion, ${model}`,
      start,
      ssim: best['ssim']!.value,
      lpips: best['lpips']?.value ?? null,
    })),
  ];
  const starts = [...new Set(measured.map(({ start }) => start))];
  const names = [...new Set(measured.map(({ method }) => method))];
  const table: Table = {
    caption: `Table 4: SSIM and LPIPS by the number of forward steps that noised the images. What differs: ${setUp}`,
    columns: [
      'method',
      ...starts.flatMap((t) =>
        ['SSIM', 'LPIPS'].flatMap((measure) => [`${measure} ${t}, paper`, `${measure} ${t}, ours`]),
      ),
    ],
    rows: names.map((method) => [
      method,
      ...starts.flatMap((start) => {
        const paper = published[method]?.[start];
        const ours = measured.find((result) => result.method === method && result.start === start);
        return [paper?.ssim ?? null, ours?.ssim ?? null, paper?.lpips ?? null, ours?.lpips ?? null];
      }),
    ]),
  };
  return { title: 'Table 4: denoisers', table, figures: [], data: measured };
}
