import type * as tf from '@tensorflow/tfjs-core';
import type { Binding, GraphBackend } from './backend.ts';
import { refKey, type Node, type Ref } from './trace.ts';

/** What it takes to execute operations. */
export type Executor = Pick<GraphBackend, 'binding' | 'getInputTensorIds'>;

/**
 * Runs nodes one operation after the other, as TensorFlow.js does, but lets go of every tensor after its last use: a
 * training step needs a fraction of the memory that the tape of its function holds.
 *
 * @param inputs the values of input nodes
 * @param wanted what to compute, each made by an operation
 * @param order the operations, in the order in which to run them; that of the nodes by default
 * @returns the binding's numbers of what is wanted, which are the caller's to delete
 */
export function interpret(
  backend: Executor,
  nodes: readonly Node[],
  inputs: ReadonlyMap<number, tf.TensorInfo>,
  wanted: readonly Ref[],
  order: readonly number[] = nodes.map((_, i) => i),
): number[] {
  const { binding } = backend;
  const uses = countUses(nodes, wanted, order);
  /** What was computed and is used again. */
  const computed = new Map<string, number>();
  const release = (ref: Ref): void => {
    const key = refKey(ref);
    const left = uses.get(key)! - 1;
    uses.set(key, left);
    const id = computed.get(key);
    if (left > 0 || id === undefined) return;
    binding.deleteTensor(id);
    computed.delete(key);
  };
  const lookUp = (ref: Ref): number => {
    const node = nodes[ref.node]!;
    if (node.kind === 'input') return backend.getInputTensorIds([inputs.get(ref.node)!])[0]!;
    const key = refKey(ref);
    let id = computed.get(key);
    if (id === undefined && node.kind === 'constant') {
      id = binding.createTensor(node.shape, node.dtype, node.values);
      computed.set(key, id);
    }
    return id!;
  };
  try {
    for (const i of order) {
      const node = nodes[i]!;
      if (node.kind !== 'operation') continue;
      const kept = node.outputs.map((_, output) => uses.has(refKey({ node: i, output })));
      if (!kept.includes(true)) continue;
      const made = binding.executeOp(node.name, node.attributes, node.inputs.map(lookUp), node.outputs.length);
      made.forEach(({ id }, output) => {
        if (kept[output] === true) computed.set(refKey({ node: i, output }), id);
        else binding.deleteTensor(id);
      });
      node.inputs.forEach(release);
    }
    const results = wanted.map((ref) => computed.get(refKey(ref))!);
    computed.clear();
    return results;
  } catch (error) {
    deleteAll(binding, computed.values());
    throw error;
  }
}

/** How often each output is used by what is needed, being wanted included. */
function countUses(nodes: readonly Node[], wanted: readonly Ref[], order: readonly number[]): Map<string, number> {
  const uses = new Map<string, number>();
  const use = (ref: Ref) => uses.set(refKey(ref), (uses.get(refKey(ref)) ?? 0) + 1);
  wanted.forEach(use);
  for (const i of [...order].reverse()) {
    const node = nodes[i]!;
    if (node.kind !== 'operation') continue;
    if (node.outputs.some((_, output) => uses.has(refKey({ node: i, output })))) node.inputs.forEach(use);
  }
  return uses;
}

export function deleteAll(binding: Binding, ids: Iterable<number>): void {
  for (const id of ids) binding.deleteTensor(id);
}
