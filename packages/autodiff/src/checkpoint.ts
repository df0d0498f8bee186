import * as tf from '@tensorflow/tfjs-core';
import { withCaptures } from './captures.ts';
import { again } from './recording.ts';
import { isTaping, keepAlive, recordOperation, tidy } from './tape.ts';
import { treeLeaves, treeLike, type TensorTree } from './tree.ts';
import { apply, checkedInputs, distinct, linearise, pullBack, type TensorFunction } from './vjp.ts';

/**
 * f(xs) with its intermediate results thrown away and computed again in the backward pass: the same gradient for the
 * memory of the inputs and one more evaluation of f (T. Chen et al., "Training deep nets with sublinear memory cost",
 * arXiv 1604.06174).
 *
 * Gradients reach `xs` and every float32 tensor or variable that f closes over. Those have to be alive until the gradient
 * is taken; results of the surrounding `tidy` are kept for that long. f has to give the same result when called twice.
 *
 * @param f function of `xs`, as for `vjp`.
 * @param xs float32 tensors; may be left out where f takes all it needs by closure.
 * @returns f(xs).
 */
export function checkpoint<Y extends TensorTree>(f: () => Y): Y;
export function checkpoint<const X extends TensorTree, Y extends TensorTree>(f: TensorFunction<X, Y>, xs: X): Y;
export function checkpoint<Y extends TensorTree>(f: (...xs: never[]) => Y, xs: TensorTree = []): Y {
  const run = f as unknown as TensorFunction<TensorTree, Y>;
  if (!isTaping()) return tidy(() => apply(run, xs));
  const inputs = checkedInputs(xs);
  // Clones made on the tape, so that a second derivative finds its way from them to the inputs. f gets them at once, not the inputs,
  // so that an input that f closes over counts as captured, beside its clone.
  const saved = inputs.map((input) => tf.keep(tf.clone(input)));
  const inner = treeLike(xs, saved);
  const { value, captured } = disposingOnThrow(saved, () =>
    withCaptures(() => {
      const result = apply(run, inner);
      return treeLike(result, distinct(treeLeaves(result, 'f(xs)')));
    }, saved),
  );
  recordOperation({
    name: 'Checkpoint',
    inputs: [...inputs, ...captured],
    outputs: treeLeaves(value),
    saved: [...saved, keepAlive(captured)],
    vjp: (dys) => {
      const { outputs, tape } = linearise(() => again(() => apply(run, inner)));
      return pullBack(tape, [...saved, ...captured], outputs, dys);
    },
  });
  return value;
}

function disposingOnThrow<T>(tensors: tf.Tensor[], run: () => T): T {
  try {
    return run();
  } catch (error) {
    tf.dispose(tensors);
    throw error;
  }
}
