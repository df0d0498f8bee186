import * as tf from '@tensorflow/tfjs-core';

/** diffusers' `EMAModel`: same names, same defaults, same decay at every step. */
export interface EmaOptions {
  /** Largest decay; default 0.9999. */
  decay?: number;
  /** Smallest decay; default 0. */
  minDecay?: number;
  /** Steps during which the average just follows the weights; default 0. */
  updateAfterStep?: number;
  /** Warm up as 1 - (1 + step / invGamma)^-power instead of (1 + step) / (10 + step); default false. */
  useEmaWarmup?: boolean;
  invGamma?: number;
  power?: number;
}

/** The decay at an update, counted from 1 (`EMAModel.get_decay`). */
export function emaDecay(update: number, options: EmaOptions = {}): number {
  const { decay = 0.9999, minDecay = 0, updateAfterStep = 0, useEmaWarmup = false } = options;
  const { invGamma = 1, power = 2 / 3 } = options;
  const step = Math.max(0, update - updateAfterStep - 1);
  if (step <= 0) return 0;
  const warm = useEmaWarmup ? 1 - (1 + step / invGamma) ** -power : (1 + step) / (10 + step);
  return Math.max(minDecay, Math.min(decay, warm));
}

/** An exponential moving average of a vector of parameters. */
export class Ema {
  readonly #options: EmaOptions;
  /** A variable, so that a compiled step can assign it. */
  readonly #average: tf.Variable<tf.Rank.R1>;
  #updates = 0;

  /** Starts at a copy of `parameters`. */
  constructor(parameters: tf.Tensor1D, options: EmaOptions = {}) {
    this.#options = options;
    this.#average = tf.variable(parameters, false);
  }

  update(parameters: tf.Tensor1D): void {
    tf.tidy(() => this.apply(parameters, this.decay()));
  }

  /** Counts an update, and gives its decay, a scalar. */
  decay(): tf.Scalar {
    this.#updates += 1;
    return tf.scalar(emaDecay(this.#updates, this.#options));
  }

  /** {@link update} with everything that changes in tensors, as a compiled function needs it. */
  apply(parameters: tf.Tensor1D, decay: tf.Scalar): void {
    tf.tidy(() => {
      this.assign(tf.add(tf.mul(this.#average, decay), tf.mul(parameters, tf.sub(1, decay))));
    });
  }

  /** Takes over an average that was computed elsewhere. */
  assign(average: tf.Tensor1D): void {
    this.#average.assign(average);
  }

  /** The average and the number of updates; the tensor stays owned by this object. */
  state(): { updates: number; average: tf.Tensor1D } {
    return { updates: this.#updates, average: this.#average };
  }

  restore(state: { updates: number; average: Float32Array }): void {
    this.#updates = state.updates;
    tf.tidy(() => this.assign(tf.tensor1d(state.average)));
  }

  dispose(): void {
    this.#average.dispose();
  }
}
