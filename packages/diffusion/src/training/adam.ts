import * as tf from '@tensorflow/tfjs-core';

export interface AdamOptions {
  /** Decay of the two moments; default (0.9, 0.999), as in PyTorch. */
  betas?: readonly [number, number];
  /** Added to the root of the second moment; default 1e-8. */
  epsilon?: number;
  /** Decoupled weight decay (AdamW, Loshchilov & Hutter 2019); default 0, which is Adam. */
  weightDecay?: number;
}

/**
 * Adam (Kingma & Ba 2015, algorithm 1) on one vector of all parameters, with PyTorch's conventions (bias correction, epsilon
 * outside the corrected root), so that a run here follows the same run there.
 */
export class Adam {
  readonly #options: Required<AdamOptions>;
  #first: tf.Tensor1D;
  #second: tf.Tensor1D;
  /** Updates made so far. */
  #count = 0;

  constructor(size: number, { betas = [0.9, 0.999], epsilon = 1e-8, weightDecay = 0 }: AdamOptions = {}) {
    this.#options = { betas, epsilon, weightDecay };
    this.#first = tf.zeros([size]);
    this.#second = tf.zeros([size]);
  }

  /** The parameters after one step; both inputs, [size], stay alive. */
  update(parameters: tf.Tensor1D, gradient: tf.Tensor1D, learningRate: number): tf.Tensor1D {
    const { betas, epsilon, weightDecay } = this.#options;
    const [beta1, beta2] = betas;
    this.#count += 1;
    const rate = learningRate / (1 - beta1 ** this.#count);
    const rootCorrection = Math.sqrt(1 - beta2 ** this.#count);
    const [first, second, next] = tf.tidy(() => {
      const m = lerp(gradient, this.#first, beta1);
      const v = lerp(tf.square(gradient), this.#second, beta2);
      const denominator = tf.add(tf.div(tf.sqrt(v), rootCorrection), epsilon);
      const decayed = weightDecay === 0 ? parameters : tf.mul(parameters, 1 - learningRate * weightDecay);
      return [m, v, tf.sub(decayed, tf.mul(tf.div(m, denominator), rate))];
    });
    tf.dispose([this.#first, this.#second]);
    this.#first = first!;
    this.#second = second!;
    return next!;
  }

  /** The moments and the count, for a checkpoint; the tensors stay owned by the optimiser. */
  state(): { count: number; first: tf.Tensor1D; second: tf.Tensor1D } {
    return { count: this.#count, first: this.#first, second: this.#second };
  }

  /** Takes over a state read from a checkpoint. */
  restore(state: { count: number; first: Float32Array; second: Float32Array }): void {
    tf.dispose([this.#first, this.#second]);
    this.#count = state.count;
    this.#first = tf.tensor1d(state.first);
    this.#second = tf.tensor1d(state.second);
  }

  dispose(): void {
    tf.dispose([this.#first, this.#second]);
  }
}

/** beta * old + (1 - beta) * value. */
function lerp(value: tf.Tensor1D, old: tf.Tensor1D, beta: number): tf.Tensor1D {
  return tf.add(tf.mul(old, beta), tf.mul(value, 1 - beta));
}
