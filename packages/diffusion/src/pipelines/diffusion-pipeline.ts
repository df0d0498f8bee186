import { invalidArgument } from '@missing-u/errors';
import type { Generator } from '@missing-u/random';
import * as tf from '@tensorflow/tfjs-core';
import type { Denoiser, SamplingScheduler } from '../contracts.ts';
import { DiffusionError } from '../errors.ts';
import { generatorsOf, noisePerItem, type Randomness } from './noise.ts';
import type { LoadedPipeline } from './pretrained.ts';
import { toUnitRange } from './ranges.ts';
import { finish, reverseProcess, type ReverseStep } from './reverse-process.ts';

export interface SampleOptions {
  /** Images to make; default 1. */
  batchSize?: number;
  /** [height, width, channels] of one image. */
  imageShape: readonly [number, number, number];
  /** Denoising steps; default 1000, as in diffusers. */
  numInferenceSteps?: number;
  /** A seed or a generator, whose fork i draws image i, or a list with one for each image, as in diffusers. */
  generator: Randomness;
  /** Index of the first image: images 8 .. 15 of a set are `{ first: 8, batchSize: 8 }`; default 0. */
  first?: number;
  /** Images computed together, which bounds the memory; default 64. */
  chunkSize?: number;
  /** Share of fresh noise in each DDIM step, 0 (deterministic) to 1; other schedulers ignore it. */
  eta?: number;
  /** Ends the sampling with the signal's reason. */
  signal?: AbortSignal;
  /** Called after each step of each chunk; a `sample` that it returns takes the place of the step's. */
  callbackOnStepEnd?: StepCallback;
}

export type StepCallback = (
  pipeline: DiffusionPipeline,
  /** Steps done before this one, over all chunks. */
  step: number,
  timestep: number,
  tensors: { sample: tf.Tensor4D; predOriginalSample: tf.Tensor4D },
) => MaybePromise<{ sample?: tf.Tensor4D } | void>;

type MaybePromise<T> = T | Promise<T>;

/** A denoiser and a scheduler, joined to a sampler. Either can be replaced: `pipeline.unet = new CUNet(...)`. */
export class DiffusionPipeline {
  unet: Denoiser;
  scheduler: SamplingScheduler;

  constructor({ unet, scheduler }: { unet: Denoiser; scheduler: SamplingScheduler }) {
    this.unet = unet;
    this.scheduler = scheduler;
  }

  /**
   * Reads a pipeline from a folder in diffusers' layout or from the hub (`hf://owner/name`); Node only.
   *
   * @throws DiffusionError `DIFFUSION_NOT_A_PIPELINE`, `DIFFUSION_UNKNOWN_NETWORK`
   */
  static async fromPretrained(folder: string): Promise<LoadedPipeline> {
    const { loadPipeline } = await import('./pretrained.ts');
    return loadPipeline(folder);
  }

  /** Writes the pipeline as a folder in diffusers' layout; Node only. */
  async savePretrained(folder: string, options?: { dtype?: 'float32' | 'float16' | 'bfloat16' }): Promise<void> {
    const { savePipeline } = await import('./pretrained.ts');
    return savePipeline(this, folder, options);
  }

  /**
   * Makes images: a tensor [batchSize, height, width, channels] in [0, 1], which the caller disposes.
   *
   * @throws DiffusionError `DIFFUSION_BAD_COUNT`, `DIFFUSION_BAD_DENOISER_OUTPUT`
   */
  async sample(options: SampleOptions): Promise<tf.Tensor4D> {
    const { batchSize = 1, first = 0, chunkSize = 64, callbackOnStepEnd } = options;
    checkPositive({ batchSize, chunkSize });
    const chunks: tf.Tensor4D[] = [];
    let step = 0;
    try {
      for (let start = 0; start < batchSize; start += chunkSize) {
        const size = Math.min(chunkSize, batchSize - start);
        const generators = generatorsOf(options.generator, first + start, size);
        const sample = await finish(this.#reverse(generators, options), async (done) => {
          const { timestep, sample, predOriginalSample } = done;
          const replaced = await callbackOnStepEnd?.(this, step, timestep, { sample, predOriginalSample });
          if (replaced?.sample !== undefined) done.sample = replaced.sample;
          step += 1;
        });
        chunks.push(toUnitRange(sample));
        sample.dispose();
      }
      return tf.concat(chunks);
    } finally {
      tf.dispose(chunks);
    }
  }

  /** The denoising of one batch of images, step by step: `for await (const { sample } of pipeline.steps(...))`. */
  async *steps(
    options: Omit<SampleOptions, 'callbackOnStepEnd' | 'chunkSize'>,
  ): AsyncGenerator<ReverseStep, void, void> {
    const { batchSize = 1, first = 0 } = options;
    checkPositive({ batchSize });
    const last = yield* this.#reverse(generatorsOf(options.generator, first, batchSize), options);
    last.dispose();
  }

  /** From pure noise to images in [-1, 1]. */
  #reverse(generators: readonly Generator[], options: SampleOptions): AsyncGenerator<ReverseStep, tf.Tensor4D, void> {
    const { unet, scheduler } = this;
    const { numInferenceSteps = 1000, imageShape, eta, signal } = options;
    checkPositive({ numInferenceSteps });
    scheduler.setTimesteps(numInferenceSteps);
    return reverseProcess({
      unet,
      scheduler,
      sample: tf.tidy(() => tf.mul(noisePerItem(generators, imageShape), scheduler.initNoiseSigma)),
      timesteps: Array.from(scheduler.timesteps),
      generators,
      ...(eta === undefined ? {} : { eta }),
      ...(signal === undefined ? {} : { signal }),
    });
  }
}

function checkPositive(counts: Record<string, number>): void {
  for (const [argument, value] of Object.entries(counts)) {
    if (Number.isInteger(value) && value >= 1) continue;
    const allowed = 'an integer of 1 or more';
    throw new DiffusionError('DIFFUSION_BAD_COUNT', invalidArgument({ argument, value, allowed }));
  }
}
