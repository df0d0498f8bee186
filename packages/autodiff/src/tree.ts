import type * as tf from '@tensorflow/tfjs-core';
import { invalidArgument, show } from '@missing-u/errors';
import { AutodiffError } from './errors.ts';

/** A tensor, or arrays and plain objects of tensors, nested as deep as you like. */
export type TensorTree = tf.Tensor | readonly TensorTree[] | { readonly [key: string]: TensorTree };

/** Duck-typed, so that tensors of a second copy of TensorFlow.js count as well. */
export function isTensor(value: unknown): value is tf.Tensor {
  return typeof value === 'object' && value !== null && 'dataId' in value && 'shape' in value && 'dtype' in value;
}

/**
 * The tensors of a tree, depth first, keys of objects in the order in which they were set.
 *
 * @param name how a message calls the tree.
 * @throws AutodiffError `AUTODIFF_TREE` where something else than a tensor, an array or a plain object is met.
 */
export function treeLeaves(tree: TensorTree, name = 'tree'): tf.Tensor[] {
  const leaves: tf.Tensor[] = [];
  visit(tree, name, leaves);
  return leaves;
}

/**
 * The tensors of a tree in the order of `like`, a tree of the same structure (see {@link treeDifference}) whose objects may have
 * set their keys in another order.
 */
export function treeLeavesLike(tree: TensorTree, like: TensorTree): tf.Tensor[] {
  if (isTensor(like)) return [tree as tf.Tensor];
  const [nodes, children] = [tree, like] as Record<string, TensorTree>[];
  return Object.keys(children!).flatMap((key) => treeLeavesLike(nodes![key]!, children![key]!));
}

/** A tree like `tree` with the leaves replaced by `leaves`, given in the order of {@link treeLeaves}. */
export function treeLike<T extends TensorTree>(tree: T, leaves: readonly tf.Tensor[]): T {
  let next = 0;
  const build = (node: TensorTree): TensorTree => {
    if (isTensor(node)) return leaves[next++]!;
    if (Array.isArray(node)) return node.map(build);
    return Object.fromEntries(Object.entries(node).map(([key, child]) => [key, build(child)]));
  };
  return build(tree) as T;
}

/** A tree like `tree` with `fn` applied to every tensor. */
export function treeMap<T extends TensorTree>(tree: T, fn: (leaf: tf.Tensor) => tf.Tensor): T {
  return treeLike(tree, treeLeaves(tree).map(fn));
}

/**
 * Where two trees differ in structure, in words, or undefined where they do not: `.v is missing`, `[1] is a number`.
 * Shapes of leaves are not looked at.
 */
export function treeDifference(actual: unknown, expected: TensorTree, path = ''): string | undefined {
  const at = path === '' ? 'it' : `\`${path}\``;
  if (isTensor(expected)) return isTensor(actual) ? undefined : `${at} is ${show(actual)} instead of a tensor`;
  if (isTensor(actual)) return `${at} is a tensor instead of ${Array.isArray(expected) ? 'an array' : 'an object'}`;
  if (typeof actual !== 'object' || actual === null || Array.isArray(actual) !== Array.isArray(expected)) {
    return `${at} is ${show(actual)} instead of ${Array.isArray(expected) ? 'an array' : 'an object'}`;
  }
  const [given, wanted] = [Object.keys(actual), Object.keys(expected)];
  const child = (key: string) => (Array.isArray(expected) ? `${path}[${key}]` : `${path}.${key}`);
  const missing = wanted.find((key) => !given.includes(key));
  if (missing !== undefined) return `\`${child(missing)}\` is missing`;
  const extra = given.find((key) => !wanted.includes(key));
  if (extra !== undefined) return `\`${child(extra)}\` is too many`;
  for (const key of wanted) {
    const nodes = expected as Record<string, TensorTree>;
    const difference = treeDifference((actual as Record<string, unknown>)[key], nodes[key]!, child(key));
    if (difference !== undefined) return difference;
  }
  return undefined;
}

function visit(node: unknown, path: string, leaves: tf.Tensor[]): void {
  if (isTensor(node)) {
    leaves.push(node);
  } else if (Array.isArray(node)) {
    node.forEach((child, i) => visit(child, `${path}[${i}]`, leaves));
  } else if (typeof node === 'object' && node !== null && !('then' in node)) {
    for (const [key, child] of Object.entries(node)) visit(child, `${path}.${key}`, leaves);
  } else {
    const allowed = 'a tensor, or an array or plain object of tensors';
    throw new AutodiffError('AUTODIFF_TREE', invalidArgument({ argument: path, value: node, allowed }));
  }
}
