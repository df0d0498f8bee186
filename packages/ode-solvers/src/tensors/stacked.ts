import * as tf from '@tensorflow/tfjs-core';
import { treeDifference, treeLeaves, treeLeavesLike, treeLike, type TensorTree } from '@missing-u/autodiff';
import { OdeError } from '../errors.ts';

/** Trees of one structure, that of the first, as one tree whose leaves are stacked along a first axis. */
export function stacked<Z extends TensorTree>(trees: readonly Z[]): Z {
  const first = trees[0]!;
  const columns = trees.map((tree, i) => {
    if (i === 0) return treeLeaves(tree, 'outputFn(t, y)');
    const difference = treeDifference(tree, first);
    if (difference !== undefined) {
      throw new OdeError(
        'ODE_OUTPUT_STRUCTURE',
        `outputFn(t, y) has to return the same structure for every state, but for state ${i} ${difference}.`,
      );
    }
    return treeLeavesLike(tree, first);
  });
  // One state gets its axis by a reshape: TensorFlow.js has no second derivative of a stack of one.
  const leaves = columns[0]!.map((only, leaf) =>
    columns.length === 1 ? tf.expandDims(only, 0) : tf.stack(columns.map((column) => column[leaf]!)),
  );
  return treeLike(first, leaves);
}
