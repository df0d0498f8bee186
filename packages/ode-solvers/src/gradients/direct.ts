import * as tf from '@tensorflow/tfjs-core';
import { recordOperation, withFreshTape } from '@missing-u/autodiff';
import { drive } from '../core/drive.ts';
import type { Leaves } from '../tensors/space.ts';
import type { Gradient } from './gradient.ts';

/**
 * Discretise, then optimise: differentiates through every operation of the solver. The exact gradient of what was
 * computed, the fastest, twice differentiable, and with a memory that grows with the number of evaluations.
 *
 * Step sizes are constants to it, in adaptive solves as well.
 */
export function direct(): Gradient {
  return {
    name: 'direct',
    solve: ({ order, parameters }) =>
      drive(parameters.length === 0 ? order : { ...order, y0: connected(order.y0, parameters) }),
  };
}

/** y0 on the tape as a result of the parameters, too, which it does not depend on: so one that f never uses has the gradient 0. */
function connected(y0: Leaves, parameters: readonly tf.Tensor[]): Leaves {
  const start = withFreshTape(() => y0.map((leaf) => tf.clone(leaf)));
  const shapes = parameters.map(({ shape }) => shape);
  recordOperation({
    name: 'Parameters',
    inputs: [...y0, ...parameters],
    outputs: start,
    vjp: (dys, needed) => [
      ...dys.map((dy) => tf.clone(dy)),
      ...shapes.map((shape, i) => (needed[y0.length + i] === true ? tf.zeros(shape) : undefined)),
    ],
  });
  return start;
}
