import * as tf from '@tensorflow/tfjs-core';
import { unknownName } from '@missing-u/errors';
import { UNetError } from '../errors.ts';

/** x·sigmoid(x), with its own gradient: three ops back instead of the tape's six. */
export function silu<T extends tf.Tensor>(x: T): T {
  const op = tf.customGrad((...args) => {
    const [input, save] = args as [tf.Tensor, tf.GradSaveFunc];
    save([input]);
    const gradFunc = (dy: tf.Tensor, [saved = input]: tf.Tensor[]) => {
      const gate = tf.sigmoid(saved);
      const value = tf.mul(saved, gate);
      return tf.mul(dy, tf.add(value, tf.mul(gate, tf.sub(1, value)))); // d = xσ + σ(1 - xσ)
    };
    return { value: tf.mul(input, tf.sigmoid(input)), gradFunc };
  });
  return op(x) as T;
}

/** The exact x·Φ(x), as PyTorch's default. */
export function gelu<T extends tf.Tensor>(x: T): T {
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));
}

const table = {
  relu: (x) => tf.relu(x),
  'leaky-relu': (x) => tf.leakyRelu(x, 0.01),
  softplus: (x) => tf.softplus(x),
  silu,
  swish: silu,
  gelu,
  mish: (x) => tf.mul(x, tf.tanh(tf.softplus(x))),
  tanh: (x) => tf.tanh(x),
  identity: (x) => x,
} satisfies Record<string, <T extends tf.Tensor>(x: T) => T>;

/** A non-linear function by name. */
export type ActivationName = keyof typeof table;

/** The names that `activation` knows. */
export const activationNames = Object.keys(table) as ActivationName[];

/** The function of a name; throws `UNET_UNKNOWN_ACTIVATION` with the list of names. */
export function activation(name: ActivationName): <T extends tf.Tensor>(x: T) => T {
  if (!Object.hasOwn(table, name)) {
    throw new UNetError('UNET_UNKNOWN_ACTIVATION', unknownName('activation', name, activationNames));
  }
  return table[name];
}
