import { invalidArgument } from '@missing-u/errors';
import type { Generator } from '@missing-u/random';
import * as tf from '@tensorflow/tfjs-core';
import { checkNames } from '../check-names.ts';
import { checkPositive } from '../check-positive.ts';
import type { AsyncDenoiser, Denoiser, SamplingScheduler } from '../contracts.ts';
import { DiffusionError } from '../errors.ts';
import { checkSampler } from './check-sampler.ts';
import { chunkSizeFor } from './chunks.ts';
import { classifierFreeGuidance } from './guidance.ts';
import { imageShapeOf, wantsSelfCondition, type ImageShape } from './image-shape.ts';
import { labelsOf, nullLabelOf } from './labels.ts';
import { generatorsOf, noisePerItem, type DDIMSettings, type Randomness } from './noise.ts';
import { checkOutputType, toOutput, type Outputs, type OutputType } from './output.ts';
import { withOwnScheduler } from './own-scheduler.ts';
import { Predictor } from './predictor.ts';
import type { LoadedPipeline, PretrainedOptions } from './pretrained.ts';
import { toUnitRange } from './ranges.ts';
import { finish, reverseProcess, type ReverseOptions, type ReverseStep } from './reverse-process.ts';
import { visitFor, type StepCallback } from './step-callback.ts';

/** What every way to sample may be told. */
export interface GuidedOptions extends DDIMSettings {
  /** For conditional networks: the class of all images, or one class per image. */
  classLabels?: number | readonly number[];
  /** How far the labels push, 1 (default) or more: guidance without a classifier. */
  guidanceScale?: number;
  /** The class that stood for hidden labels in training; default the network's last one. */
  nullLabel?: number;
  /** Give the network its own estimate of the step before; default: if it was made for that. */
  selfConditioning?: boolean;
  /**
   * Run the network as a graph where the engine can (`native`). By default the networks of this project are, where they can
   * be; with true any denoiser is, and gets its times as a tensor; with false none.
   */
  compile?: boolean;
  /** Ends the sampling with the signal's reason. */
  signal?: AbortSignal;
}

export interface SampleOptions<Type extends OutputType = 'tensor'> extends GuidedOptions {
  /** Images to make; default 1. */
  batchSize?: number;
  /** [height, width, channels] of one image; default that of the network's configuration. */
  imageShape?: ImageShape;
  /** Denoising steps; default 1000, as in diffusers (50 in a `DDIMPipeline`). */
  numInferenceSteps?: number;
  /** A seed or a generator, whose fork i draws image i, or a list with one for each image, as in diffusers; default seed 0. */
  generator?: Randomness;
  /** Index of the first image: images 8 .. 15 of a set are `{ first: 8, batchSize: 8 }`; default 0. */
  first?: number;
  /** Images computed together; by default as many as fit in `memory`, and at most 64. */
  chunkSize?: number;
  /** Bytes that the tensors of one call of the network may take, where `chunkSize` is not given; default 2 GiB. */
  memory?: number;
  /** `tensor` (default), `array` (float32 in [0, 1] with its shape) or `bytes` (0 .. 255 with its shape). */
  outputType?: Type;
  /** Called after each step of each chunk; tensors that it returns take the place of the step's. */
  callbackOnStepEnd?: StepCallback;
}

export const guidedOptionNames: Record<keyof GuidedOptions, true> = {
  ...{ classLabels: true, guidanceScale: true, nullLabel: true, selfConditioning: true, compile: true, signal: true },
  ...{ eta: true, useClippedModelOutput: true },
};

const sampleOptionNames: Record<keyof SampleOptions, true> = {
  ...guidedOptionNames,
  ...{ batchSize: true, imageShape: true, numInferenceSteps: true, generator: true, first: true, chunkSize: true },
  ...{ memory: true, outputType: true, callbackOnStepEnd: true },
};

/** The parts of a pipeline; the denoiser may be given under diffusers' name. */
export type PipelineParts<Scheduler = SamplingScheduler> = { scheduler: Scheduler } & (
  { unet: Denoiser | AsyncDenoiser; denoiser?: undefined } | { denoiser: Denoiser | AsyncDenoiser; unet?: undefined }
);

/** A denoiser and a scheduler, joined to a sampler. Either can be replaced: `pipeline.unet = new CUNet(...)`. */
export class DiffusionPipeline {
  #unet!: Denoiser;
  #scheduler!: SamplingScheduler;
  /** What is asked for where the options say nothing. */
  protected readonly defaults: { numInferenceSteps: number; eta?: number } = { numInferenceSteps: 1000 };
  /** Of `unet`, by the `compile` of the calls, which may overlap. */
  readonly #predictors = new Map<boolean | undefined, Predictor>();
  #chunk: { unet: Denoiser; key: string; size: number } | undefined;

  /** @throws DiffusionError `DIFFUSION_BAD_PIPELINE` */
  constructor({ unet, denoiser, scheduler }: PipelineParts) {
    this.unet = (unet ?? denoiser) as Denoiser;
    this.scheduler = scheduler;
  }

  /** The network; setting it throws `DIFFUSION_BAD_PIPELINE` for what is no denoiser. */
  get unet(): Denoiser {
    return this.#unet;
  }

  set unet(unet: Denoiser) {
    const allowed = 'a denoiser, with a method predict(sample, timesteps)';
    const checked = checkPart('unet', unet, ['predict'], allowed);
    if (checked === this.#unet) return;
    this.#freeGraphs();
    this.#unet = checked;
  }

  /** The scheduler; setting it throws `DIFFUSION_BAD_PIPELINE` for what is none. */
  get scheduler(): SamplingScheduler {
    return this.#scheduler;
  }

  set scheduler(scheduler: SamplingScheduler) {
    const methods = ['step', 'setTimesteps', 'scaleModelInput'];
    this.#scheduler = checkPart('scheduler', scheduler, methods, 'a scheduler of @missing-u/schedulers');
  }

  /** The denoiser under its general name: the same as `unet`. */
  get denoiser(): Denoiser {
    return this.unet;
  }

  set denoiser(denoiser: Denoiser) {
    this.unet = denoiser;
  }

  /**
   * Reads a pipeline from a folder in diffusers' layout, or from the Hugging Face hub (`owner/name`, `hf://owner/name`); Node
   * only. On the base class the pipeline is of the class that the folder names.
   *
   * @param options.variant of several sets of weights in one folder, for example `'fp16'`
   * @throws DiffusionError `DIFFUSION_UNKNOWN_OPTION`, `DIFFUSION_BAD_CONFIG`, `DIFFUSION_NOT_A_PIPELINE`, `DIFFUSION_UNKNOWN_NETWORK`, `DIFFUSION_NODE_ONLY`
   */
  static async fromPretrained<P extends DiffusionPipeline>(
    this: new (parts: PipelineParts) => P,
    folder: string,
    options?: PretrainedOptions,
  ): Promise<LoadedPipeline<P>> {
    const { loadPipeline } = await import('#pretrained');
    return loadPipeline(folder, this, options) as Promise<LoadedPipeline<P>>;
  }

  /** Writes the pipeline as a folder in diffusers' layout; Node only. */
  async savePretrained(folder: string, options?: { dtype?: 'float32' | 'float16' | 'bfloat16' }): Promise<void> {
    const { savePipeline } = await import('#pretrained');
    return savePipeline(this, folder, options);
  }

  /**
   * Makes images: by default a tensor [batchSize, height, width, channels] in [0, 1], which the caller disposes.
   *
   * @throws DiffusionError `DIFFUSION_BAD_COUNT`, `DIFFUSION_BAD_IMAGE_SHAPE`, `DIFFUSION_UNKNOWN_OUTPUT_TYPE`,
   *   `DIFFUSION_BAD_DENOISER_OUTPUT`, `DIFFUSION_BAD_GENERATORS`, `DIFFUSION_BAD_LABELS`, `DIFFUSION_BAD_GUIDANCE`,
   *   `DIFFUSION_BAD_ETA`, `DIFFUSION_UNKNOWN_OPTION`, `DIFFUSION_SCHEDULER_BUSY`, `DIFFUSION_BAD_PIPELINE` for a scheduler that
   *   does not sample from noise alone
   */
  async sample<Type extends OutputType = 'tensor'>(options: SampleOptions<Type> = {}): Promise<Outputs[Type]> {
    checkNames(options, sampleOptionNames);
    return withOwnScheduler(this.scheduler, (scheduler) => this.#sample(scheduler, options));
  }

  async #sample<Type extends OutputType>(
    scheduler: SamplingScheduler,
    options: SampleOptions<Type>,
  ): Promise<Outputs[Type]> {
    const { batchSize = 1, first = 0, callbackOnStepEnd, outputType = 'tensor' as Type } = options;
    checkPositive({ batchSize });
    checkOutputType(outputType);
    const labels = labelsOf(options.classLabels, batchSize, this.unet);
    const chunkSize = await this.#chunkSize(options, batchSize);
    const chunks: tf.Tensor4D[] = [];
    const visit = visitFor(this, callbackOnStepEnd);
    try {
      for (let start = 0; start < batchSize; start += chunkSize) {
        const size = Math.min(chunkSize, batchSize - start);
        const generators = generatorsOf(options.generator ?? 0, first + start, size);
        const classLabels = labels?.slice(start, start + size);
        const process = this.#fromNoise(scheduler, generators, { ...options, ...(classLabels && { classLabels }) });
        const sample = await finish(process, visit);
        chunks.push(toUnitRange(sample));
        sample.dispose();
      }
      return await toOutput(tf.concat(chunks), outputType);
    } finally {
      tf.dispose(chunks);
    }
  }

  /**
   * The denoising of one batch of images, step by step: `for await (const { sample } of pipeline.steps(...))`. It steps with the
   * pipeline's scheduler, which no other process may use until it ends.
   */
  async *steps(
    options: Omit<SampleOptions, 'callbackOnStepEnd' | 'chunkSize' | 'memory' | 'outputType'> = {},
  ): AsyncGenerator<ReverseStep, void, void> {
    checkNames(options, sampleOptionNames);
    const { batchSize = 1, first = 0 } = options;
    checkPositive({ batchSize });
    const classLabels = labelsOf(options.classLabels, batchSize, this.unet);
    const generators = generatorsOf(options.generator ?? 0, first, batchSize);
    const last = yield* this.#fromNoise(this.scheduler, generators, {
      ...options,
      ...(classLabels && { classLabels }),
    });
    last.dispose();
  }

  /**
   * The reverse process from any noisy images, step by step; what `imageToImage` and the like are made of. It takes `sample`
   * over, also where the options are refused, and returns the last one in [-1, 1], which the caller disposes. It steps with
   * `scheduler`, by default the pipeline's, as its timesteps are set.
   *
   * @throws DiffusionError `DIFFUSION_BAD_ETA`, `DIFFUSION_BAD_LABELS`, `DIFFUSION_BAD_GUIDANCE`, `DIFFUSION_BAD_PIPELINE`
   */
  reverse(
    options: Omit<ReverseOptions, 'unet' | 'scheduler' | 'classLabels'> &
      GuidedOptions & { scheduler?: SamplingScheduler },
  ): AsyncGenerator<ReverseStep, tf.Tensor4D, void> {
    try {
      return reverseProcess(this.#reverseOptions(options));
    } catch (error) {
      options.sample.dispose();
      throw error;
    }
  }

  /** The denoiser as sampling calls it: compiled and guided as the options say. */
  denoiserFor({
    compile,
    guidanceScale = 1,
    nullLabel = nullLabelOf(this.unet),
    classLabels,
  }: GuidedOptions): Denoiser {
    const predictor = this.#predictorFor(compile);
    if (guidanceScale === 1) return predictor;
    if (nullLabel === undefined || classLabels === undefined) {
      const missing = classLabels === undefined ? 'classLabels' : 'nullLabel';
      const message = invalidArgument({
        argument: missing,
        value: undefined,
        allowed: 'given where guidanceScale is not 1',
      });
      throw new DiffusionError('DIFFUSION_BAD_GUIDANCE', message);
    }
    labelsOf(nullLabel, 1, this.unet, 'nullLabel');
    return classifierFreeGuidance(predictor, { guidanceScale, nullLabel });
  }

  /**
   * Frees the graphs of the compiled network, where there are any; the network is the caller's. What is on its way goes on without
   * them, slower.
   */
  dispose(): void {
    this.#freeGraphs();
  }

  /** The options of a process, checked. */
  #reverseOptions(options: Parameters<DiffusionPipeline['reverse']>[0]): ReverseOptions {
    const { guidanceScale: _scale, nullLabel: _null, compile: _compile, classLabels: given, ...rest } = options;
    const { eta = this.defaults.eta, selfConditioning = wantsSelfCondition(this.unet) } = options;
    const { scheduler = this.scheduler } = options;
    checkSampler(scheduler);
    if (eta !== undefined) checkEta(eta);
    const classLabels = labelsOf(given, options.sample.shape[0], this.unet);
    return {
      ...rest,
      unet: this.denoiserFor(options),
      scheduler,
      selfConditioning,
      ...(eta !== undefined && { eta }),
      ...(classLabels && { classLabels }),
    };
  }

  /** From pure noise to images in [-1, 1]. */
  #fromNoise(
    scheduler: SamplingScheduler,
    generators: readonly Generator[],
    options: SampleOptions<OutputType>,
  ): AsyncGenerator<ReverseStep, tf.Tensor4D, void> {
    const { numInferenceSteps = this.defaults.numInferenceSteps, signal } = options;
    const imageShape = imageShapeOf(this.unet, options.imageShape);
    checkPositive({ numInferenceSteps });
    scheduler.setTimesteps(numInferenceSteps);
    const { eta, useClippedModelOutput, classLabels, guidanceScale, nullLabel, selfConditioning, compile } = options;
    const settings = { eta, useClippedModelOutput, classLabels, guidanceScale, nullLabel, selfConditioning, compile };
    const guided = defined({ ...settings, signal });
    return this.reverse({
      ...guided,
      scheduler,
      sample: tf.tidy(() => tf.mul(noisePerItem(generators, imageShape), scheduler.initNoiseSigma)),
      timesteps: Array.from(scheduler.timesteps),
      generators,
    });
  }

  /** Apart from `dispose`, which a class of one's own may extend, and which the constructor must not call then. */
  #freeGraphs(): void {
    for (const predictor of this.#predictors.values()) predictor.dispose();
    this.#predictors.clear();
  }

  #predictorFor(wanted: boolean | undefined): Predictor {
    const predictor = this.#predictors.get(wanted) ?? new Predictor(this.unet, wanted);
    this.#predictors.set(wanted, predictor);
    return predictor;
  }

  async #chunkSize(options: SampleOptions<OutputType>, batchSize: number): Promise<number> {
    const { chunkSize, memory } = options;
    if (memory !== undefined) checkPositive({ memory });
    if (chunkSize !== undefined) {
      checkPositive({ chunkSize });
      return chunkSize;
    }
    if (batchSize === 1) return 1;
    const imageShape = imageShapeOf(this.unet, options.imageShape);
    const key = [memory, ...imageShape, options.classLabels === undefined].join();
    const { unet } = this;
    if (this.#chunk?.key === key && this.#chunk.unet === unet) return this.#chunk.size;
    const [label] = labelsOf(options.classLabels, batchSize, unet) ?? [];
    const settings = {
      ...(memory !== undefined && { memory }),
      ...(label !== undefined && { condition: { classLabels: [label] } }),
    };
    const size = await chunkSizeFor(unet, imageShape, settings);
    this.#chunk = { unet, key, size };
    return size;
  }
}

/** More fresh noise than a DDPM adds would leave less than no room for the rest. */
function checkEta(eta: number): void {
  if (eta >= 0 && eta <= 1) return;
  const allowed = 'a number from 0 (DDIM) to 1 (as much fresh noise as DDPM)';
  throw new DiffusionError('DIFFUSION_BAD_ETA', invalidArgument({ argument: 'eta', value: eta, allowed }));
}

function checkPart<T>(argument: string, value: T | undefined, methods: readonly string[], allowed: string): T {
  const part = value as Record<string, unknown> | undefined;
  if (methods.every((method) => typeof part?.[method] === 'function')) return value!;
  throw new DiffusionError('DIFFUSION_BAD_PIPELINE', invalidArgument({ argument, value, allowed }));
}

/** The entries that have a value. */
function defined<T extends object>(entries: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
