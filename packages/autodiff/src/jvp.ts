import * as tf from '@tensorflow/tfjs-core';
import { contract, gradientsOnTape, isTaping, markTape, recordTape, rollbackOnThrow, tidy } from './tape.ts';
import { treeLeaves, treeLike, type TensorTree } from './tree.ts';
import { apply, checkedInputs, cotangents, distinct, type TensorFunction } from './vjp.ts';

/**
 * Jacobian-vector product: the directional derivative of f at `xs` along `vs`.
 *
 * Two vector-Jacobian products: u ↦ Jᵀu is linear, and its own transpose applied to `vs` is J `vs` (J. Townsend, "A new
 * trick for calculating Jacobian vector products", 2017). So every operation of f needs a gradient that can be
 * differentiated with respect to its cotangent. TensorFlow.js has none for the filters of convolutions; engines started with
 * `@missing-u/engine` have. None has one for elu, depthwise convolutions, pooling, resizing and depthToSpace:
 * `AUTODIFF_OPERATION` names them.
 *
 * @param f function of `xs`, as for `vjp`.
 * @param xs float32 tensors.
 * @param vs tangents, of the structure and shapes of `xs`.
 * @returns the tangent, in the structure and shapes of f(xs).
 * @throws AutodiffError as `vjp`; `AUTODIFF_COTANGENT` where `vs` does not fit `xs`.
 */
export function jvp<const X extends TensorTree, Y extends TensorTree>(f: TensorFunction<X, Y>, xs: X, vs: X): Y {
  const given = checkedInputs(xs);
  const tangents = cotangents(vs, xs, given, 'vs');
  const compute = () => {
    const inputs = distinct(given);
    const mark = markTape()!;
    const value = tidy(() => apply(f, treeLike(xs, inputs)));
    const outputs = treeLeaves(value, 'f(xs)');
    const us = outputs.map((output) => tf.zerosLike(output));
    const products = gradientsOnTape(mark, contract(outputs, us), inputs);
    const connected = inputs.flatMap((_, i) => (products[i] == null ? [] : [i]));
    const image = contract(
      connected.map((i) => products[i]!),
      connected.map((i) => tangents[i]!),
    );
    return { value, us, image, mark };
  };
  return tidy(() => {
    if (isTaping()) {
      return rollbackOnThrow(() => {
        const { value, us, image, mark } = compute();
        return treeLike(value, zeroFilled(gradientsOnTape(mark, image, us), us));
      });
    }
    const { value, tape } = recordTape(compute);
    return treeLike(value.value, zeroFilled(gradientsOnTape(tape, value.image, value.us), value.us));
  });
}

function zeroFilled(grads: (tf.Tensor | null)[], like: tf.Tensor[]): tf.Tensor[] {
  return grads.map((grad, i) => grad ?? tf.zerosLike(like[i]!));
}
