import { compile, EngineError, type Compiled, type CompileStats } from '@missing-u/engine';
import { invalidArgument } from '@missing-u/errors';
import { createGenerator, type Generator } from '@missing-u/random';
import * as tf from '@tensorflow/tfjs-core';
import type { ImageBatch, TrainableDenoiser, TrainingScheduler } from '../contracts.ts';
import { DiffusionError } from '../errors.ts';
import { Adam, type AdamOptions } from './adam.ts';
import { Ema, type EmaOptions } from './ema.ts';
import { FlatParameters } from './flat-parameters.ts';
import { learningRateAt, type LearningRateOptions } from './learning-rate.ts';
import { clipByGlobalNorm, lossAndGradient, trainingTarget } from './objective.ts';

export interface TrainerOptions extends AdamOptions, LearningRateOptions {
  denoiser: TrainableDenoiser;
  scheduler: TrainingScheduler;
  /** Largest global norm of the gradient; default 1. */
  maxGradNorm?: number;
  ema?: EmaOptions;
  /** Seed of timesteps and noise; each step draws from its own fork, so that a resumed run needs only its step number. */
  seed: number;
  /**
   * Run the steps as graphs where the engine can (`native`); default true. A network whose structure depends on values, as
   * with an ODE solver that chooses its steps, has to be trained with false.
   */
  compile?: boolean;
}

/** Noisy images, timesteps and the network's target to the loss, the norm of the gradient, and the clipped gradient. */
type GradientFunction = (
  noisy: tf.Tensor4D,
  timesteps: tf.Tensor1D,
  target: tf.Tensor4D,
) => [loss: tf.Scalar, norm: tf.Scalar, clipped: tf.Tensor1D];

/** Assigns weights, moments and average, from the gradient and the numbers of this update. */
type UpdateFunction = (gradient: tf.Tensor1D, coefficients: tf.Tensor1D, decay: tf.Scalar) => [];

/** What one optimiser step did. */
export interface TrainingStep {
  /** Steps made so far, this one included. */
  step: number;
  loss: number;
  gradNorm: number;
  learningRate: number;
}

/** Everything besides the network's weights that decides how a run goes on. */
export interface TrainerState {
  step: number;
  optimizer: { count: number; first: Float32Array; second: Float32Array };
  ema: { updates: number; average: Float32Array };
}

/**
 * Trains a denoiser by the simple loss of DDPM with Adam, clipping by the global norm, and an EMA of the weights. It holds
 * no data and no files: give it batches, ask it for its state.
 */
export class Trainer {
  readonly parameters: FlatParameters;
  readonly #options: TrainerOptions;
  readonly #adam: Adam;
  readonly #ema: Ema;
  readonly #random: Generator;
  readonly #gradient: Compiled<GradientFunction>;
  readonly #update: Compiled<UpdateFunction>;
  #step = 0;

  constructor(options: TrainerOptions) {
    this.#options = options;
    this.#random = createGenerator(options.seed);
    this.parameters = new FlatParameters(options.denoiser.parameters().filter(({ variable }) => variable.trainable));
    this.#adam = new Adam(this.parameters.size, options);
    const weights = this.parameters.read();
    this.#ema = new Ema(weights, options.ema);
    weights.dispose();
    const { denoiser, maxGradNorm = 1, compile: enabled = true } = options;
    this.#gradient = compile<GradientFunction>(
      (noisy, timesteps, target) => {
        const { loss, gradient } = lossAndGradient(denoiser, this.parameters, noisy, timesteps, target);
        const { norm, clipped } = clipByGlobalNorm(gradient, maxGradNorm);
        return [loss, norm, clipped];
      },
      { enabled },
    );
    this.#update = compile<UpdateFunction>(
      (gradient, coefficients, decay) => {
        const next = this.#adam.apply(this.parameters.read(), gradient, coefficients);
        this.parameters.write(next);
        this.#ema.apply(next, decay);
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
   * One optimiser step on a batch, which it does not dispose.
   *
   * @throws DiffusionError `DIFFUSION_LOSS_NOT_FINITE`, before anything is updated; `DIFFUSION_NOT_COMPILABLE`.
   */
  async trainStep({ images }: ImageBatch): Promise<TrainingStep> {
    const { scheduler } = this.#options;
    const random = this.#random.fork(this.#step);
    const [loss, norm, clipped] = tf.tidy(() => {
      const chain = Number(scheduler.config['num_train_timesteps']);
      const timesteps = Array.from({ length: images.shape[0] }, () => random.integer(chain));
      const noise = tf.tensor4d(random.fillNormal(new Float32Array(images.size)), images.shape);
      const noisy = scheduler.addNoise(images, noise, timesteps);
      const target = trainingTarget(scheduler, images, noise, timesteps);
      return guided(() => this.#gradient(noisy, tf.tensor1d(timesteps, 'float32'), target));
    });
    try {
      const [lossValue, gradNorm] = await Promise.all([scalar(loss), scalar(norm)]);
      if (!Number.isFinite(lossValue) || !Number.isFinite(gradNorm)) throw notFinite(this.#step, lossValue, gradNorm);
      const learningRate = learningRateAt(this.#step, this.#options);
      tf.tidy(() => guided(() => this.#update(clipped, this.#adam.coefficients(learningRate), this.#ema.decay())));
      this.#step += 1;
      return { step: this.#step, loss: lossValue, gradNorm, learningRate };
    } finally {
      tf.dispose([loss, norm, clipped]);
    }
  }

  /** What the compiled parts of a step hold, for reports. */
  get stats(): { gradient: CompileStats; update: CompileStats } {
    return { gradient: this.#gradient.stats, update: this.#update.stats };
  }

  /** Puts the averaged weights into the network: the end of training. */
  useEma(): void {
    this.parameters.write(this.#ema.state().average);
  }

  async state(): Promise<TrainerState> {
    const { count, first, second } = this.#adam.state();
    const { updates, average } = this.#ema.state();
    const [m, v, mean] = (await Promise.all([first.data(), second.data(), average.data()])) as Float32Array[];
    return { step: this.#step, optimizer: { count, first: m!, second: v! }, ema: { updates, average: mean! } };
  }

  /**
   * Goes on from a state; the network's weights are the caller's to load.
   *
   * @throws DiffusionError `DIFFUSION_STATE_MISMATCH` where the state is of a network of another size.
   */
  restore(state: TrainerState): void {
    for (const [argument, vector] of Object.entries({ ...state.optimizer, average: state.ema.average })) {
      if (typeof vector === 'number' || vector.length === this.parameters.size) continue;
      const allowed = `a vector of the network's ${this.parameters.size} parameters`;
      const value = `a vector of ${vector.length}`;
      throw new DiffusionError('DIFFUSION_STATE_MISMATCH', invalidArgument({ argument, value, allowed }));
    }
    this.#step = state.step;
    this.#adam.restore(state.optimizer);
    this.#ema.restore(state.ema);
  }

  /** Frees optimiser, average and graphs; the network is the caller's. */
  dispose(): void {
    this.#gradient.dispose();
    this.#update.dispose();
    this.#adam.dispose();
    this.#ema.dispose();
  }
}

async function scalar(tensor: tf.Tensor): Promise<number> {
  return (await tensor.data())[0]!;
}

/** Adds to what `compile` refuses how to train without it. */
function guided<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof EngineError && error.code.startsWith('ENGINE_COMPILE_'))) throw error;
    const remedy = 'To train it as it is, slower: `compile: false`, or `--no-compile` on the command line.';
    throw new DiffusionError('DIFFUSION_NOT_COMPILABLE', `${error.message} ${remedy}`, { cause: error });
  }
}

function notFinite(step: number, loss: number, gradNorm: number): DiffusionError {
  return new DiffusionError(
    'DIFFUSION_LOSS_NOT_FINITE',
    `Step ${step + 1} gave a loss of ${loss} and a gradient norm of ${gradNorm}; the weights were left as they were. ` +
      'Lower `learningRate`, add `warmupSteps`, or check the images for values outside [-1, 1].',
  );
}
