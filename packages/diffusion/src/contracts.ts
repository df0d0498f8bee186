/**
 * What this package asks of the parts that it wires, as structural types: anything with these members plugs in, whichever
 * package or person it comes from.
 */
import type * as tf from '@tensorflow/tfjs-core';

/** A trainable tensor and its path in the network, for example `down.0.block.conv1.weight`. */
export interface NamedParameter {
  readonly name: string;
  readonly variable: tf.Variable;
}

/** What a conditional denoiser sees besides images and times; one that is not conditional is never given it. */
export interface Condition {
  /** One class number per image. */
  classLabels?: tf.Tensor1D | readonly number[];
  /** An earlier estimate of the clean images, of the sample's shape (Chen et al. 2022, "Analog Bits"). */
  selfCondition?: tf.Tensor4D;
}

/** Predicts noise, clean image or velocity (whatever the scheduler is told) from a noisy one. */
export interface Denoiser {
  /**
   * @param sample [batch, height, width, channels], float32, about [-1, 1] plus noise.
   * @param timesteps [batch], one training timestep per image, or one number for all.
   * @returns a new tensor of the shape of `sample`; the inputs stay alive.
   */
  predict(sample: tf.Tensor4D, timesteps: tf.Tensor1D | number, condition?: Condition): tf.Tensor4D;
}

/** A denoiser that computes outside of TensorFlow.js, such as `OnnxDenoiser`; pipelines sample from it, it cannot be trained. */
export interface AsyncDenoiser {
  /** Default: whether `predict` is an `async` function. Tensors of others are freed when `predict` returns its promise. */
  readonly asynchronous?: boolean;
  predict(sample: tf.Tensor4D, timesteps: number, condition?: Condition): Promise<tf.Tensor4D>;
}

export interface TrainableDenoiser extends Denoiser {
  parameters(): readonly NamedParameter[];
  /** Of networks with dropout: how many numbers it draws for each image while `work` runs them. */
  dropoutSize?(work: () => void): number;
  /** Of networks with dropout: runs `work` with it on, decided by `draws`, [batch, `dropoutSize`] in [0, 1). */
  withDropout?<T>(draws: tf.Tensor2D, work: () => T): T;
}

/** What a sampling loop needs of a scheduler. */
export interface SamplingScheduler extends NoisingScheduler {
  readonly timesteps: ArrayLike<number>;
  readonly initNoiseSigma: number;
  setTimesteps(count: number): void;
  scaleModelInput(sample: tf.Tensor4D, timestep: number): tf.Tensor4D;
  step(
    modelOutput: tf.Tensor4D,
    timestep: number,
    sample: tf.Tensor4D,
    options: { noise?: tf.Tensor4D; eta?: number; useClippedModelOutput?: boolean },
  ): { prevSample: tf.Tensor4D; predOriginalSample: tf.Tensor4D };
}

/** The forward process. */
export interface NoisingScheduler {
  /** q(x_t | x_0), one timestep per image. */
  addNoise(clean: tf.Tensor4D, noise: tf.Tensor4D, timesteps: ArrayLike<number>): tf.Tensor4D;
}

/** What training needs of a scheduler. */
export interface TrainingScheduler extends NoisingScheduler {
  /** diffusers' JSON; `num_train_timesteps` and `prediction_type` (default `epsilon`) are read. */
  readonly config: Readonly<Record<string, unknown>>;
  /** The share of the clean image's variance at each timestep. */
  readonly alphasCumprod: Float64Array;
  getVelocity(clean: tf.Tensor4D, noise: tf.Tensor4D, timesteps: ArrayLike<number>): tf.Tensor4D;
}

/** One batch of training images, [batch, height, width, channels], float32 in [-1, 1]; the receiver disposes it. */
export interface ImageBatch {
  readonly images: tf.Tensor4D;
  /** One class number per image, for conditional training. */
  readonly labels?: ArrayLike<number>;
}
