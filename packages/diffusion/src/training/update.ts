import { hasKernel } from '@missing-u/autodiff';
import { invalidArgument } from '@missing-u/errors';
import * as tf from '@tensorflow/tfjs-core';
import { DiffusionError } from '../errors.ts';
import type { Adam } from './adam.ts';
import type { Ema } from './ema.ts';
import type { FlatParameters } from './flat-parameters.ts';

/** What an update changes. */
export interface Updated {
  parameters: FlatParameters;
  adam: Adam;
  /** Averages of the parameters. */
  emas: readonly Ema[];
}

/** The numbers of one update, as tensors. */
export interface UpdateNumbers {
  /** What the gradient is multiplied by, to clip it; a scalar. */
  scale: tf.Scalar;
  /** {@link Adam.coefficients}. */
  coefficients: tf.Tensor1D;
  /** {@link Ema.decay} of each average. */
  decays: tf.Tensor1D;
}

/**
 * One step of Adam along a gradient [size], and the averages after it. Where the engine has an operation for it (`native`), all
 * numbers are read and written once; elsewhere some twenty operations go through the vectors one after the other.
 *
 * @throws DiffusionError `DIFFUSION_STATE_MISMATCH`
 */
export function applyUpdate(updated: Updated, gradient: tf.Tensor1D, numbers: UpdateNumbers): void {
  checkLength('gradient', gradient, updated.parameters.size, "the network's parameters");
  checkLength('decays', numbers.decays, updated.emas.length, 'the averages');
  tf.tidy(() => (hasKernel('AdamUpdate') ? inOnePass : composed)(updated, gradient, numbers));
}

function inOnePass({ parameters, adam, emas }: Updated, gradient: tf.Tensor1D, numbers: UpdateNumbers): void {
  const { variables } = parameters;
  const { first, second } = adam.state();
  const { scale, coefficients, decays } = numbers;
  const averages = emas.map((ema) => ema.state().average);
  const inputs = [...variables, gradient, first, second, ...averages, scale, coefficients, decays];
  const { betas, epsilon } = adam.options;
  const attributes = { parameters: variables.length, averages: averages.length, betas: [...betas], epsilon };
  const results: tf.Tensor[] = tf.engine().runKernel('AdamUpdate', Object.fromEntries(inputs.entries()), attributes);
  variables.forEach((variable, i) => variable.assign(results[i]!));
  const [newFirst, newSecond, ...newAverages] = results.slice(variables.length) as tf.Tensor1D[];
  adam.assign(newFirst!, newSecond!);
  emas.forEach((ema, i) => ema.assign(newAverages[i]!));
}

function composed({ parameters, adam, emas }: Updated, gradient: tf.Tensor1D, numbers: UpdateNumbers): void {
  const { scale, coefficients, decays } = numbers;
  const next = adam.apply(parameters.read(), tf.mul(gradient, scale), coefficients);
  parameters.write(next);
  emas.forEach((ema, i) => ema.apply(next, tf.reshape(tf.slice(decays, i, 1), [])));
}

function checkLength(argument: string, value: tf.Tensor, length: number, of: string): void {
  if (value.rank === 1 && value.size === length) return;
  const allowed = `a vector of ${length}, as many as ${of}`;
  throw new DiffusionError('DIFFUSION_STATE_MISMATCH', invalidArgument({ argument, value, allowed }));
}
