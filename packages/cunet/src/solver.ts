import type * as tf from '@tensorflow/tfjs-core';
import { unknownName } from '@missing-u/errors';
import {
  adjoint,
  checkpointed,
  direct,
  methodNames,
  reversible,
  type Gradient,
  type OdeOptions,
} from '@missing-u/ode-solvers';
import { CUNetError } from './errors.ts';
import { gradientNames, type GradientName, type SolverOptions } from './options.ts';

const fixedMethods: readonly string[] = ['euler', 'midpoint', 'heun2', 'heun3', 'ralston', 'rk4', 'rk4_classic'];

/** Methods for dynamic blocks: all but leapfrog, which needs the acceleration apart. */
export const solverMethods = methodNames.filter((name) => name !== 'leapfrog');

/** Options of `integrate` for a dynamic block. */
export function odeOptions(solver: SolverOptions, gradient: Gradient): OdeOptions<tf.Tensor4D> {
  const { method, steps, rtol, atol } = solver;
  // Reading a number per block to look for NaN would stall the engine.
  const shared = { method, gradient, checkFinite: false };
  if (fixedMethods.includes(method)) return { ...shared, stepSize: 1 / steps };
  // The picture with the largest error sets the steps; the mean over the batch would let pictures hide behind others.
  return { ...shared, rtol, atol, norm: 'perSample' };
}

/** A gradient by name. */
export function gradientOf(gradient: GradientName | Gradient, solver: SolverOptions): Gradient {
  if (typeof gradient === 'object') return gradient;
  switch (gradient) {
    case 'direct':
      return direct();
    case 'checkpointed':
      return checkpointed();
    case 'reversible':
      return reversible();
    case 'adjoint':
      // One step back for one step forth is far off with ReLU; four times as many are some percent off.
      return adjoint(fixedMethods.includes(solver.method) ? { stepSize: 1 / (4 * solver.steps) } : {});
    default:
      throw new CUNetError('CUNET_OPTION', unknownName('gradient', gradient, gradientNames));
  }
}
