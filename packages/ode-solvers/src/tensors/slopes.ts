import * as tf from '@tensorflow/tfjs-core';
import { owned, tidy, treeDifference, treeLeavesLike, type TensorTree } from '@missing-u/autodiff';
import { OdeError } from '../errors.ts';
import { withDisposedNamed } from './disposed-capture.ts';
import type { Leaves } from './space.ts';

/** A function of the user's that gives slopes, as messages speak of it. */
interface SlopesCall {
  /** The call: `f(t, y)`. */
  name: string;
  /** The argument that slopes have to be like: `y`. */
  argument: string;
}

/**
 * Calls the user's function and checks what it gives: its leaves in the order of `like`, as tensors of their own.
 *
 * @param like tree of the structure wanted.
 * @param leaves those of `like`, of the shapes wanted.
 */
export function checkedSlopes(call: SlopesCall, run: () => unknown, like: TensorTree, leaves: Leaves): tf.Tensor[] {
  return tidy(() => {
    const value = withDisposedNamed(call.name, run);
    checkStructure(call, value, like);
    const slopes = treeLeavesLike(value as TensorTree, like);
    slopes.forEach((slope, i) => checkLeaf(call, slope, leaves[i]!, i));
    return slopes.map(owned);
  });
}

function checkStructure({ name, argument }: SlopesCall, value: unknown, like: TensorTree): void {
  if (typeof value === 'object' && value !== null && 'then' in value) {
    const message = `${name} returned a promise, but a solver needs the slopes at once; make it synchronous.`;
    throw new OdeError('ODE_ASYNC_FIELD', message);
  }
  const difference = treeDifference(value, like);
  if (difference === undefined) return;
  throw new OdeError('ODE_FIELD_STRUCTURE', `${name} has to have the structure of ${argument}, but ${difference}.`);
}

function checkLeaf({ name, argument }: SlopesCall, slope: tf.Tensor, like: tf.Tensor, i: number): void {
  if (slope.isDisposed || like.isDisposed) {
    const what = slope.isDisposed
      ? 'returned a disposed tensor'
      : `disposed its argument ${argument}, which is the solver's`;
    throw new OdeError('ODE_DISPOSED', `${name} ${what}, in leaf ${i}.`);
  }
  if (slope.dtype === 'float32' && tf.util.arraysEqual(slope.shape, like.shape)) return;
  throw new OdeError(
    'ODE_FIELD_SHAPE',
    `${name} is ${slope.dtype} [${slope.shape}] in leaf ${i}, but has to be float32 [${like.shape}], like ${argument}.`,
  );
}
