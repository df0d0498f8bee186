import * as tf from '@tensorflow/tfjs-core';
import { withFreshTape } from './tape.ts';
import { treeMap, type TensorTree } from './tree.ts';

/**
 * The same values, as constants: no gradient flows through what is returned.
 *
 * @param x a tensor or a tree of tensors.
 * @returns new tensors in the same structure; disposing them does not touch `x`.
 */
export function stopGradient<T extends TensorTree>(x: T): T {
  return withFreshTape(() => treeMap(x, (leaf) => tf.clone(leaf)));
}
