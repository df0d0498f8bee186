import type { Generator } from '@missing-u/random';
import * as tf from '@tensorflow/tfjs-core';
import type { Condition, TrainableDenoiser } from '../contracts.ts';

/** The network's answer with dropout, whose draws are given, or without. */
export function predictWithDropout(
  denoiser: TrainableDenoiser,
  noisy: tf.Tensor4D,
  timesteps: tf.Tensor1D,
  { condition, dropout }: { condition?: Condition; dropout?: tf.Tensor2D },
): tf.Tensor4D {
  const predict = () => denoiser.predict(noisy, timesteps, condition);
  return dropout === undefined ? predict() : denoiser.withDropout!(dropout, predict);
}

/** Draws for the dropout of a network: tensors, so that they are inputs of its graph. */
export class DropoutDraws {
  readonly #denoiser: TrainableDenoiser;
  /** Numbers for each image, by the shape of images. */
  readonly #sizes = new Map<string, number>();

  constructor(denoiser: TrainableDenoiser) {
    this.#denoiser = denoiser;
  }

  /**
   * The draws of a batch, [batch, size], in [0, 1): those of its image i are by fork `first + i` of the generator. Undefined where
   * nothing is dropped.
   */
  draw(
    generator: Generator,
    first: number,
    noisy: tf.Tensor4D,
    timesteps: tf.Tensor1D,
    condition: Condition | undefined,
  ): tf.Tensor2D | undefined {
    const size = this.#size(noisy, timesteps, condition);
    if (size === 0) return undefined;
    const batch = noisy.shape[0];
    const values = new Float32Array(batch * size);
    for (let i = 0; i < batch; i++) generator.fork(first + i).fillUniform(values.subarray(i * size, (i + 1) * size));
    return tf.tensor2d(values, [batch, size]);
  }

  /** Found by running the network once on one image: what it is made of is its own affair. */
  #size(noisy: tf.Tensor4D, timesteps: tf.Tensor1D, condition: Condition | undefined): number {
    const denoiser = this.#denoiser;
    if (denoiser.dropoutSize === undefined || denoiser.withDropout === undefined) return 0;
    const shape = noisy.shape.slice(1).join();
    const known = this.#sizes.get(shape);
    if (known !== undefined) return known;
    const size = tf.tidy(() => {
      const entries = Object.entries(condition ?? {}) as [string, tf.Tensor][];
      const ofOne = condition && (Object.fromEntries(entries.map(([name, value]) => [name, one(value)])) as Condition);
      return denoiser.dropoutSize!(() => void denoiser.predict(one(noisy), one(timesteps), ofOne));
    });
    this.#sizes.set(shape, size);
    return size;
  }
}

/** The first item of a batch, as a batch. */
function one<T extends tf.Tensor>(batch: T): T {
  return tf.slice(batch, [0], [1]);
}
