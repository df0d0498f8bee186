import { compile, type Compiled, type CompileStats } from '@missing-u/engine';
import { invalidArgument } from '@missing-u/errors';
import { createGenerator, type Generator } from '@missing-u/random';
import * as tf from '@tensorflow/tfjs-core';
import { guided } from '../compiled.ts';
import type { Condition, ImageBatch, TrainableDenoiser, TrainingScheduler } from '../contracts.ts';
import { DiffusionError } from '../errors.ts';
import { Adam, type AdamOptions } from './adam.ts';
import { checkBatches, checkTrainerOptions } from './check-options.ts';
import { checkTrainable } from './check-parts.ts';
import { drawStep, type Draws } from './draws.ts';
import { DropoutDraws } from './dropout.ts';
import { Ema, type EmaOptions } from './ema.ts';
import { FlatParameters } from './flat-parameters.ts';
import { learningRateAt, type LearningRateOptions } from './learning-rate.ts';
import { lossWeights, type LossWeightOptions } from './loss-weights.ts';
import { scaleImages, type NoiseJitterOptions } from './noise-jitter.ts';
import { findNonFinite } from './non-finite.ts';
import { clippingScale, lossAndGradient, trainingTarget, vectorNorm } from './objective.ts';
import { estimateClean } from './self-condition.ts';
import { makeTimestepSampler, type TimestepSampler, type TimestepSamplingOptions } from './timestep-sampler.ts';
import { applyUpdate } from './update.ts';

export interface TrainerOptions
  extends AdamOptions, LearningRateOptions, LossWeightOptions, NoiseJitterOptions, TimestepSamplingOptions {
  denoiser: TrainableDenoiser;
  scheduler: TrainingScheduler;
  /** Largest global norm of the gradient; default 1. */
  maxGradNorm?: number;
  /** The average of the weights, or several with decays of their own; `useEma` takes the first. */
  ema?: EmaOptions | readonly EmaOptions[];
  /**
   * Give a network with `selfCondition` its own estimate of the clean images in half of the steps, and zeros in the others (Chen
   * et al. 2022, "Analog Bits"); default false.
   */
  selfConditioning?: boolean;
  /**
   * Train with class labels, which each batch then has to have, and hide them in a share `dropout` (default 0.1) of the images by
   * the class `nullLabel`, so that the network can be guided without a classifier (Ho & Salimans 2022).
   */
  classConditioning?: { nullLabel: number; dropout?: number };
  /** Seed of timesteps and noise; each step draws from its own fork, so that a resumed run needs only its step number. */
  seed: number;
  /**
   * Run the steps as graphs where the engine can (`native`); default true. A network whose structure depends on values, as
   * with an ODE solver that chooses its steps, has to be trained with false.
   */
  compile?: boolean;
  /**
   * Most bytes that the evaluation of loss and gradient may hold at a time, as `compile` of `@missing-u/engine` estimates them:
   * where it needs more, intermediate results are computed again. Only compiled steps have it; default: no limit.
   */
  memoryBudget?: number;
}

/** What one evaluation of the network sees; conditions and draws of dropout are there in every call of a trainer or in none. */
type NetworkInputs = [noisy: tf.Tensor4D, timesteps: tf.Tensor1D, ...rest: tf.Tensor[]];

/** The target, how much each image counts, and the network's inputs, to each image's error and the gradient. */
type GradientFunction = (
  target: tf.Tensor4D,
  shares: tf.Tensor1D,
  ...inputs: NetworkInputs
) => [errors: tf.Tensor1D, gradient: tf.Tensor1D];

type PredictFunction = (...inputs: NetworkInputs) => tf.Tensor4D;

/** Assigns weights, moments and averages, from the gradient and the numbers of this update. */
type UpdateFunction = (gradient: tf.Tensor1D, scale: tf.Scalar, coefficients: tf.Tensor1D, decays: tf.Tensor1D) => [];

/** What one optimiser step did. */
export interface TrainingStep {
  /** Steps made so far, this one included. */
  step: number;
  /** What was minimised: the mean of the images' weighted squared errors. */
  loss: number;
  gradNorm: number;
  learningRate: number;
}

/** Everything besides the network's weights that decides how a run goes on. */
export interface TrainerState {
  step: number;
  optimizer: { count: number; first: Float32Array; second: Float32Array };
  /** One per average. */
  ema: readonly { updates: number; average: Float32Array }[];
  /** What the choice of timesteps has learnt, as JSON. */
  timesteps?: unknown;
}

/**
 * Trains a denoiser by the simple loss of DDPM, weighted if asked, with Adam, clipping by the global norm, and averages of the
 * weights. It holds no data and no files: give it batches, ask it for its state. Dropout of networks that have it is on while the
 * gradient is computed, and only then.
 */
export class Trainer {
  readonly parameters: FlatParameters;
  readonly #options: TrainerOptions;
  readonly #adam: Adam;
  readonly #emas: readonly Ema[];
  readonly #random: Generator;
  readonly #sampler: TimestepSampler;
  readonly #dropout: DropoutDraws;
  readonly #weights: Float64Array;
  readonly #gradient: Compiled<GradientFunction>;
  readonly #predict: Compiled<PredictFunction>;
  readonly #update: Compiled<UpdateFunction>;
  #step = 0;

  /**
   * @throws DiffusionError `DIFFUSION_UNKNOWN_OPTION`, `DIFFUSION_UNKNOWN_TIMESTEP_SAMPLING`, `DIFFUSION_UNKNOWN_LOSS_WEIGHTING`,
   *   `DIFFUSION_UNKNOWN_SCHEDULE`, `DIFFUSION_BAD_CONFIG`, `DIFFUSION_BAD_TRAINER`
   */
  constructor(options: TrainerOptions) {
    checkTrainerOptions(options);
    checkTrainable(options.denoiser, options.scheduler);
    this.#options = options;
    const { denoiser, scheduler, compile: enabled = true, memoryBudget } = options;
    this.#random = createGenerator(options.seed);
    this.#sampler = makeTimestepSampler(chainLength(scheduler), options);
    this.#weights = lossWeights(scheduler, options);
    this.#dropout = new DropoutDraws(denoiser);
    this.parameters = new FlatParameters(denoiser.parameters().filter(({ variable }) => variable.trainable));
    this.#adam = new Adam(this.parameters.size, options);
    const weights = this.parameters.read();
    this.#emas = listOf(options.ema ?? {}).map((ema) => new Ema(weights, ema));
    weights.dispose();
    this.#gradient = compile<GradientFunction>(
      (target, shares, noisy, timesteps, ...inputs) => {
        const options = { shares, ...this.#rest(inputs) };
        const { errors, gradient } = lossAndGradient(denoiser, this.parameters, noisy, timesteps, target, options);
        return [errors, gradient];
      },
      { enabled, ...(memoryBudget !== undefined && { memoryBudget }) },
    );
    this.#predict = compile<PredictFunction>(
      (noisy, timesteps, ...inputs) => denoiser.predict(noisy, timesteps, this.#rest(inputs).condition),
      { enabled },
    );
    const updated = { parameters: this.parameters, adam: this.#adam, emas: this.#emas };
    this.#update = compile<UpdateFunction>(
      (gradient, scale, coefficients, decays) => {
        applyUpdate(updated, gradient, { scale, coefficients, decays });
        return [];
      },
      { enabled },
    );
  }

  /** Optimiser steps made so far. */
  get step(): number {
    return this.#step;
  }

  /**
   * One optimiser step on a batch, or on several whose gradients are accumulated: the same step as on one batch of all their
   * images, in the memory of one. The batches stay the caller's to dispose.
   *
   * @throws DiffusionError `DIFFUSION_LOSS_NOT_FINITE`, before anything is updated, which names the layer;
   *   `DIFFUSION_NOT_COMPILABLE`; `DIFFUSION_BAD_DENOISER_OUTPUT`; `DIFFUSION_BAD_IMAGES`; `DIFFUSION_NO_LABELS`
   */
  async trainStep(batches: ImageBatch | readonly ImageBatch[]): Promise<TrainingStep> {
    const parts = listOf(batches);
    checkBatches(parts);
    const draw = this.#draw(parts);
    const errors: tf.Tensor1D[] = [];
    let gradient: tf.Tensor1D | undefined;
    let first = 0;
    try {
      for (const { images } of parts) {
        const result = tf.tidy(() => {
          const { target, shares, inputs } = this.#inputs(images, draw, first);
          const [error, part] = guided(() => this.#gradient(target, shares, ...inputs));
          return { error, sum: gradient === undefined ? part : tf.add<tf.Tensor1D>(gradient, part) };
        });
        gradient?.dispose();
        gradient = result.sum;
        errors.push(result.error);
        first += images.shape[0];
      }
      const norm = vectorNorm(gradient!);
      try {
        const [gradNorm, ...values] = await Promise.all([scalar(norm), ...errors.map((error) => error.data())]);
        const squares = Float64Array.from(values.flatMap((value) => [...value]));
        const loss = squares.reduce((sum, error, i) => sum + error * draw.shares[i]!, 0);
        if (!Number.isFinite(loss) || !Number.isFinite(gradNorm)) throw await this.#notFinite(parts, loss, gradNorm);
        const learningRate = learningRateAt(this.#step, this.#options);
        tf.tidy(() => {
          const scale = tf.scalar(clippingScale(gradNorm, this.#options.maxGradNorm ?? 1));
          const decays = tf.stack(this.#emas.map((ema) => ema.decay())) as tf.Tensor1D;
          guided(() => this.#update(gradient!, scale, this.#adam.coefficients(learningRate), decays));
        });
        this.#sampler.update?.(draw.timesteps, squares);
        this.#step += 1;
        return { step: this.#step, loss, gradNorm, learningRate };
      } finally {
        norm.dispose();
      }
    } finally {
      tf.dispose([errors, gradient ?? []]);
    }
  }

  /** What the compiled parts of a step hold, for reports. */
  get stats(): { gradient: CompileStats; update: CompileStats } {
    return { gradient: this.#gradient.stats, update: this.#update.stats };
  }

  /** Puts an average of the weights into the network: the end of training. */
  useEma(index = 0): void {
    this.parameters.write(this.#emaAt(index).state().average);
  }

  /** Runs `work` with an average of the weights in the network, and the trained ones back afterwards. */
  async withEma<T>(work: () => T | Promise<T>, index = 0): Promise<T> {
    const weights = this.parameters.read();
    try {
      this.useEma(index);
      return await work();
    } finally {
      this.parameters.write(weights);
      weights.dispose();
    }
  }

  async state(): Promise<TrainerState> {
    const { count, first, second } = this.#adam.state();
    const values = (tensor: tf.Tensor) => tensor.data() as Promise<Float32Array>;
    const ema = this.#emas.map(async (one) => {
      const { updates, average } = one.state();
      return { updates, average: await values(average) };
    });
    const timesteps = this.#sampler.state?.();
    return {
      step: this.#step,
      optimizer: { count, first: await values(first), second: await values(second) },
      ema: await Promise.all(ema),
      ...(timesteps !== undefined && { timesteps }),
    };
  }

  /**
   * Goes on from a state; the network's weights are the caller's to load.
   *
   * @throws DiffusionError `DIFFUSION_STATE_MISMATCH` where the state is of a network of another size, or has other averages.
   */
  restore(state: TrainerState): void {
    const { first, second } = state.optimizer;
    const averages = state.ema.map(({ average }, i) => [`ema[${i}].average`, average] as const);
    for (const [argument, vector] of [['first', first] as const, ['second', second] as const, ...averages]) {
      if (vector.length === this.parameters.size) continue;
      const allowed = `a vector of the network's ${this.parameters.size} parameters`;
      const value = `a vector of ${vector.length}`;
      throw new DiffusionError('DIFFUSION_STATE_MISMATCH', invalidArgument({ argument, value, allowed }));
    }
    if (state.ema.length !== this.#emas.length) {
      const allowed = `a list of ${this.#emas.length}, as many as the trainer's averages`;
      const message = invalidArgument({ argument: 'ema', value: `a list of ${state.ema.length}`, allowed });
      throw new DiffusionError('DIFFUSION_STATE_MISMATCH', message);
    }
    this.#step = state.step;
    this.#adam.restore(state.optimizer);
    this.#emas.forEach((ema, i) => ema.restore(state.ema[i]!));
    if (state.timesteps !== undefined) this.#sampler.restore?.(state.timesteps as never);
  }

  /** Frees optimiser, averages and graphs; the network is the caller's. */
  dispose(): void {
    for (const part of [this.#gradient, this.#predict, this.#update, this.#adam, ...this.#emas]) part.dispose();
  }

  #emaAt(index: number): Ema {
    const ema = this.#emas[index];
    if (ema !== undefined) return ema;
    const allowed = `an integer from 0 to ${this.#emas.length - 1}, the trainer's averages`;
    throw new DiffusionError('DIFFUSION_BAD_CONFIG', invalidArgument({ argument: 'index', value: index, allowed }));
  }

  #draw(batches: readonly ImageBatch[]): Draws {
    return drawStep(this.#random.fork(this.#step), batches, this.#sampler, this.#weights, this.#options);
  }

  /** What the network sees of a batch whose first image is image `first` of the step, to be called in a tidy. */
  #inputs(images: tf.Tensor4D, draw: Draws, first: number) {
    const { scheduler, selfConditioning } = this.#options;
    const mine = <T extends Float32Array | Float64Array>(values: T) =>
      values.slice(first, first + images.shape[0]) as T;
    const timesteps = mine(draw.timesteps);
    const normal = tf.tensor4d(draw.generator.fillNormal(new Float32Array(images.size)), images.shape);
    const noise = draw.noiseFactors === undefined ? normal : scaleImages(normal, mine(draw.noiseFactors));
    const inputs: NetworkInputs = [
      scheduler.addNoise(images, noise, timesteps),
      tf.tensor1d(Float32Array.from(timesteps)),
    ];
    if (draw.labels !== undefined) inputs.push(tf.tensor1d(mine(draw.labels)));
    if (selfConditioning === true) {
      const nothing: tf.Tensor4D = tf.zerosLike(images);
      const estimate = () => guided(() => this.#predict(...inputs, nothing));
      inputs.push(draw.selfCondition ? estimateClean(scheduler, inputs[0], estimate(), timesteps) : nothing);
    }
    const [noisy, times, ...rest] = inputs;
    const dropout = this.#dropout.draw(draw.dropout, first, noisy, times, this.#rest(rest).condition);
    if (dropout !== undefined) inputs.push(dropout);
    const target = trainingTarget(scheduler, images, noise, timesteps);
    return { target, shares: tf.tensor1d(Float32Array.from(mine(draw.shares))), inputs };
  }

  /** What a network's inputs beyond images and times are. */
  #rest(inputs: readonly tf.Tensor[]): { condition?: Condition; dropout?: tf.Tensor2D } {
    const { classConditioning, selfConditioning } = this.#options;
    const rest = [...inputs];
    const classLabels = classConditioning && (rest.shift() as tf.Tensor1D);
    const selfCondition = selfConditioning === true ? (rest.shift() as tf.Tensor4D) : undefined;
    const [dropout] = rest as tf.Tensor2D[];
    const condition = { ...(classLabels && { classLabels }), ...(selfCondition && { selfCondition }) };
    return { ...((classLabels ?? selfCondition) && { condition }), ...(dropout && { dropout }) };
  }

  /** The error of a loss that is not finite, with the place where it comes from. */
  async #notFinite(batches: readonly ImageBatch[], loss: number, gradNorm: number): Promise<DiffusionError> {
    const draw = this.#draw(batches);
    let first = 0;
    let culprit: string | undefined;
    for (const { images } of batches) {
      const { target, shares, inputs } = tf.tidy(() => this.#inputs(images, draw, first));
      const [noisy, timesteps, ...rest] = inputs;
      const found = { noisy, timesteps, target, ...this.#rest(rest) };
      culprit ??= await findNonFinite(this.#options.denoiser, this.parameters, found);
      tf.dispose([target, shares, inputs]);
      first += images.shape[0];
    }
    const where = culprit === undefined ? '' : ` The first thing that is not finite is ${culprit}.`;
    return new DiffusionError(
      'DIFFUSION_LOSS_NOT_FINITE',
      `Step ${this.#step + 1} gave a loss of ${loss} and a gradient norm of ${gradNorm}; the weights were left as they ` +
        `were.${where} Lower \`learningRate\`, add \`warmupSteps\`, or check the images for values outside [-1, 1].`,
    );
  }
}

function chainLength({ config }: TrainingScheduler): number {
  return Number(config['num_train_timesteps']);
}

function listOf<T>(value: T | readonly T[]): readonly T[] {
  return Array.isArray(value) ? (value as readonly T[]) : [value as T];
}

async function scalar(tensor: tf.Tensor): Promise<number> {
  return (await tensor.data())[0]!;
}
