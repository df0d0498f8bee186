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
  /** Variables, so that a compiled step can assign them. */
  readonly #first: tf.Variable<tf.Rank.R1>;
  readonly #second: tf.Variable<tf.Rank.R1>;
  /** Updates made so far. */
  #count = 0;

  constructor(size: number, { betas = [0.9, 0.999], epsilon = 1e-8, weightDecay = 0 }: AdamOptions = {}) {
    this.#options = { betas, epsilon, weightDecay };
    this.#first = tf.tidy(() => tf.variable(tf.zeros<tf.Rank.R1>([size]), false));
    this.#second = tf.tidy(() => tf.variable(tf.zeros<tf.Rank.R1>([size]), false));
  }

  /** The parameters after one step; both inputs, [size], stay alive. */
  update(parameters: tf.Tensor1D, gradient: tf.Tensor1D, learningRate: number): tf.Tensor1D {
    return tf.tidy(() => this.apply(parameters, gradient, this.coefficients(learningRate)));
  }

  /** Counts an update, and gives the numbers of it that {@link apply} takes: [rate, root of the correction, decay]. */
  coefficients(learningRate: number): tf.Tensor1D {
    const { betas, weightDecay } = this.#options;
    this.#count += 1;
    const rate = learningRate / (1 - betas[0] ** this.#count);
    const rootCorrection = Math.sqrt(1 - betas[1] ** this.#count);
    return tf.tensor1d([rate, rootCorrection, 1 - learningRate * weightDecay]);
  }

  /** {@link update} with everything that changes in tensors, as a compiled function needs it. */
  apply(parameters: tf.Tensor1D, gradient: tf.Tensor1D, coefficients: tf.Tensor1D): tf.Tensor1D {
    const { betas, epsilon, weightDecay } = this.#options;
    return tf.tidy(() => {
      const [rate, rootCorrection, decay] = tf.split(coefficients, 3) as [tf.Tensor1D, tf.Tensor1D, tf.Tensor1D];
      const m = lerp(gradient, this.#first, betas[0]);
      const v = lerp(tf.square(gradient), this.#second, betas[1]);
      this.assign(m, v);
      const denominator = tf.add(tf.div(tf.sqrt(v), rootCorrection), epsilon);
      const decayed = weightDecay === 0 ? parameters : tf.mul(parameters, decay);
      return tf.sub(decayed, tf.mul<tf.Tensor1D>(tf.div(m, denominator), rate));
    });
  }

  /** What stays the same in all updates. */
  get options(): Readonly<Required<AdamOptions>> {
    return this.#options;
  }

  /** Takes over the moments of an update that was made elsewhere. */
  assign(first: tf.Tensor1D, second: tf.Tensor1D): void {
    this.#first.assign(first);
    this.#second.assign(second);
  }

  /** The moments and the count, for a checkpoint; the tensors stay owned by the optimiser. */
  state(): { count: number; first: tf.Tensor1D; second: tf.Tensor1D } {
    return { count: this.#count, first: this.#first, second: this.#second };
  }

  /** Takes over a state read from a checkpoint. */
  restore(state: { count: number; first: Float32Array; second: Float32Array }): void {
    this.#count = state.count;
    tf.tidy(() => this.assign(tf.tensor1d(state.first), tf.tensor1d(state.second)));
  }

  dispose(): void {
    tf.dispose([this.#first, this.#second]);
  }
}

/** beta * old + (1 - beta) * value. */
function lerp(value: tf.Tensor1D, old: tf.Tensor1D, beta: number): tf.Tensor1D {
  return tf.add(tf.mul(old, beta), tf.mul(value, 1 - beta));
}
