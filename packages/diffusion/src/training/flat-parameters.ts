import * as tf from '@tensorflow/tfjs-core';
import type { NamedParameter } from '../contracts.ts';

/**
 * All parameters of a network seen as one vector, in definition order. Optimiser, clipping and EMA then cost a dozen tensor
 * operations a step instead of a dozen per parameter, which is most of their time on small networks.
 */
export class FlatParameters {
  readonly parameters: readonly NamedParameter[];
  readonly #sizes: number[];

  constructor(parameters: readonly NamedParameter[]) {
    this.parameters = parameters;
    this.#sizes = parameters.map(({ variable }) => variable.size);
  }

  /** The number of scalars. */
  get size(): number {
    return this.#sizes.reduce((sum, size) => sum + size, 0);
  }

  get variables(): tf.Variable[] {
    return this.parameters.map(({ variable }) => variable);
  }

  /** A copy of the parameters as a vector [size]. */
  read(): tf.Tensor1D {
    return this.flatten(this.variables);
  }

  /** Assigns a vector [size] to the parameters. */
  write(vector: tf.Tensor1D): void {
    tf.tidy(() => {
      this.unflatten(vector).forEach((part, i) => this.parameters[i]!.variable.assign(part));
    });
  }

  /** One tensor per parameter, joined; a null (a parameter that the loss does not depend on) counts as zeros. */
  flatten(parts: readonly (tf.Tensor | null)[]): tf.Tensor1D {
    return tf.tidy(() =>
      tf.concat1d(parts.map((part, i) => (part === null ? tf.zeros([this.#sizes[i]!]) : tf.reshape(part, [-1])))),
    );
  }

  /** A vector [size] cut into the shapes of the parameters. */
  unflatten(vector: tf.Tensor1D): tf.Tensor[] {
    return tf.tidy(() =>
      tf.split(vector, this.#sizes).map((part, i) => tf.reshape(part, this.parameters[i]!.variable.shape)),
    );
  }
}
