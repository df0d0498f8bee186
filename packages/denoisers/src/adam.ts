import * as tf from '@tensorflow/tfjs-core';

const BETAS = [0.9, 0.999] as const;
const EPSILON = 1e-8;

/**
 * Adam (Kingma & Ba 2015, algorithm 1) as part of a step that may be compiled: what changes from step to step comes in as a tensor
 * ({@link numbers}), and the moments are variables. TensorFlow.js' own has its rate in the graph as a constant.
 */
export class Adam {
  readonly #moments: readonly { variable: tf.Variable; first: tf.Variable; second: tf.Variable }[];
  #count = 0;

  constructor(variables: readonly tf.Variable[]) {
    const zeros = (shape: number[]) => tf.tidy(() => tf.variable(tf.zeros(shape), false));
    this.#moments = variables.map((variable) => {
      return { variable, first: zeros(variable.shape), second: zeros(variable.shape) };
    });
  }

  /** Counts a step, and gives the numbers of it that {@link update} takes: [rate, root of the second moment's correction]. */
  numbers(learningRate: number): tf.Tensor1D {
    this.#count += 1;
    return tf.tensor1d([learningRate / (1 - BETAS[0] ** this.#count), Math.sqrt(1 - BETAS[1] ** this.#count)]);
  }

  /** Moves each variable along its gradient. */
  update(gradients: readonly tf.Tensor[], numbers: tf.Tensor1D): void {
    tf.tidy(() => {
      const [rate, root] = tf.split(numbers, 2).map((part) => tf.reshape(part, [])) as [tf.Scalar, tf.Scalar];
      this.#moments.forEach(({ variable, first, second }, i) => {
        const gradient = gradients[i]!;
        const m = tf.add(tf.mul(first, BETAS[0]), tf.mul(gradient, 1 - BETAS[0]));
        const v = tf.add(tf.mul(second, BETAS[1]), tf.mul(tf.square(gradient), 1 - BETAS[1]));
        first.assign(m);
        second.assign(v);
        variable.assign(tf.sub(variable, tf.mul(rate, tf.div(m, tf.add(tf.div(tf.sqrt(v), root), EPSILON)))));
      });
    });
  }

  dispose(): void {
    for (const { first, second } of this.#moments) tf.dispose([first, second]);
  }
}
