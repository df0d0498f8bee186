import * as tf from '@tensorflow/tfjs-core';
import { invalidArgument, show } from '@missing-u/errors';
import { AutodiffError } from './errors.ts';
import {
  contract, gradientsOnTape, markTape, owned, recordTape, rollbackOnThrow, tidy, type Recorded,
} from './tape.ts'; // prettier-ignore
import { treeDifference, treeLeaves, treeLeavesLike, treeLike, type TensorTree } from './tree.ts';

/** The arguments that inputs X stand for: the elements of an array, or the one tensor or object. */
export type Arguments<X> = X extends readonly TensorTree[] ? { -readonly [K in keyof X]: X[K] } : [X];

/** A function of inputs X. */
export type TensorFunction<X, Y> = (...xs: Arguments<X>) => Y;

/**
 * Vector-Jacobian product: the gradients of Σ `dy` · f(`xs`) with respect to `xs`.
 *
 * Unlike `tf.grads` it can be used anywhere: outside a tape, inside one (then it can be differentiated again), in the
 * forward and the gradient function of a `tf.customGrad`, and inside itself.
 *
 * @param f function of `xs`: of the elements if `xs` is an array, of `xs` itself if it is a tensor or an object. It may
 *     close over the very tensors of `xs` instead of taking them.
 * @param xs float32 tensors, or variables.
 * @param dy cotangent, of the structure and shapes of f's result; ones by default, so a scalar gives its gradient.
 * @returns gradients in the structure of `xs`; zeros for a tensor that f does not use.
 * @throws AutodiffError `AUTODIFF_INPUTS`, `AUTODIFF_OUTPUT`, `AUTODIFF_COTANGENT`, `AUTODIFF_FUNCTION`,
 *     `AUTODIFF_NO_GRADIENTS`, `AUTODIFF_OPERATION`, `AUTODIFF_TREE`.
 */
export function vjp<const X extends TensorTree, Y extends TensorTree>(
  f: TensorFunction<X, Y>,
  xs: X,
  dy?: NoInfer<Y>,
): Gradients<X> {
  return tidy(() => valueAndVjp(f, xs, dy).grads);
}

/** What {@link valueAndVjp} gives. */
export interface ValueAndVjp<X, Y> {
  /** f(xs). */
  value: Y;
  /** The product, in the structure of `xs`. */
  grads: Gradients<X>;
}

/** The structure of X, with a plain tensor for every tensor or variable in it. */
export type Gradients<X> =
  X extends tf.Tensor<infer R>
    ? tf.Tensor<R>
    : X extends readonly tf.Tensor[]
      ? { -readonly [K in keyof X]: tf.Tensor }
      : X;

/** As {@link vjp}, with the value of f, which costs nothing extra. */
export function valueAndVjp<const X extends TensorTree, Y extends TensorTree>(
  f: TensorFunction<X, Y>,
  xs: X,
  dy?: NoInfer<Y>,
): ValueAndVjp<X, Y> {
  const given = checkedInputs(xs);
  return tidy(() =>
    rollbackOnThrow(() => {
      const inputs = distinct(given);
      const { value, outputs, tape } = linearise(() => apply(f, treeLike(xs, inputs)));
      const dys = dy === undefined ? outputs.map((output) => tf.onesLike(output)) : cotangents(dy, value, outputs);
      return { value, grads: treeLike<TensorTree>(xs, pullBack(tape, inputs, outputs, dys)) as Gradients<X> };
    }),
  );
}

/** Result of {@link linearise}. */
interface Linearised<Y> {
  value: Y;
  outputs: tf.Tensor[];
  tape: Recorded;
}

/** Runs `run` on the caller's tape if there is one, else on a tape of its own. */
export function linearise<Y extends TensorTree>(run: () => Y): Linearised<Y> {
  const evaluate = () =>
    tidy(() => {
      const value = run();
      const leaves = treeLeaves(value, 'f(xs)');
      const bad = leaves.find((leaf) => leaf.dtype !== 'float32');
      if (bad !== undefined) {
        throw new AutodiffError(
          'AUTODIFF_OUTPUT',
          `f returned a tensor of dtype ${bad.dtype}, but only float32 can be differentiated.`,
        );
      }
      return treeLike(value, leaves.map(owned));
    });
  const mark = markTape();
  if (mark !== undefined) {
    const value = evaluate();
    return { value, outputs: treeLeaves(value), tape: mark };
  }
  const { value, tape } = recordTape(evaluate);
  return { value, outputs: treeLeaves(value), tape };
}

/** Gradients of `inputs` from the cotangents of `outputs`, zeros where unconnected; consumes a tape of their own. */
export function pullBack(
  tape: Recorded,
  inputs: tf.Tensor[],
  outputs: readonly tf.Tensor[],
  dys: readonly tf.Tensor[],
): tf.Tensor[] {
  if (inputs.length === 0) return [];
  const [single] = outputs;
  let grads: (tf.Tensor | null)[];
  if (single !== undefined && outputs.length === 1) {
    grads = gradientsOnTape(tape, single, inputs, dys[0]);
  } else if (typeof tape === 'number') {
    grads = gradientsOnTape(tape, contract(outputs, dys), inputs);
  } else {
    const joined = recordTape(() => contract(outputs, dys));
    tape.push(...joined.tape);
    grads = gradientsOnTape(tape, joined.value, inputs);
  }
  return grads.map((grad, i) => grad ?? tf.zerosLike(inputs[i]!));
}

/** Calls f with the elements of an array, or with the one tensor or object. */
export function apply<X extends TensorTree, Y extends TensorTree>(f: TensorFunction<X, Y>, xs: X): Y {
  if (typeof f !== 'function') {
    throw new AutodiffError(
      'AUTODIFF_FUNCTION',
      invalidArgument({ argument: 'f', value: f, allowed: 'a function of `xs`' }),
    );
  }
  const call = f as (...args: readonly TensorTree[]) => Y;
  return Array.isArray(xs) ? call(...(xs as readonly TensorTree[])) : call(xs);
}

/** The leaves of `xs`, refused where one cannot be differentiated. */
export function checkedInputs(xs: TensorTree): tf.Tensor[] {
  const inputs = treeLeaves(xs, 'xs');
  for (const x of inputs) {
    if (x.isDisposed)
      throw new AutodiffError('AUTODIFF_INPUTS', `\`xs\` holds a disposed tensor of shape [${x.shape}].`);
    if (x.dtype !== 'float32') {
      const message = `\`xs\` holds ${show(x)} of dtype ${x.dtype}, but gradients exist for float32 only; close over it instead.`;
      throw new AutodiffError('AUTODIFF_INPUTS', message);
    }
  }
  return inputs;
}

/** The tensors with clones in place of those that come a second time, as gradients are told apart by their tensors. */
export function distinct(tensors: readonly tf.Tensor[]): tf.Tensor[] {
  const seen = new Set<tf.Tensor>();
  return tensors.map((tensor) => {
    if (seen.has(tensor)) return tf.clone(tensor);
    seen.add(tensor);
    return tensor;
  });
}

/** The leaves of a cotangent, refused where structure or shapes are not those of the value. */
export function cotangents(dy: TensorTree, value: TensorTree, outputs: readonly tf.Tensor[], name = 'dy'): tf.Tensor[] {
  const difference = treeDifference(dy, value);
  if (difference !== undefined)
    throw new AutodiffError('AUTODIFF_COTANGENT', `\`${name}\` has another structure: ${difference}.`);
  const dys = treeLeavesLike(dy, value);
  dys.forEach((leaf, i) => {
    const shape = outputs[i]!.shape;
    if (leaf.isDisposed) {
      const message = `\`${name}\` holds a disposed tensor of shape [${leaf.shape}].`;
      throw new AutodiffError('AUTODIFF_COTANGENT', message);
    }
    if (leaf.dtype === 'float32' && tf.util.arraysEqual(leaf.shape, shape)) return;
    const got = `${leaf.dtype} [${leaf.shape}]`;
    throw new AutodiffError(
      'AUTODIFF_COTANGENT',
      `\`${name}\` is ${got}, but has to be float32 [${shape}], like its counterpart.`,
    );
  });
  return dys;
}
