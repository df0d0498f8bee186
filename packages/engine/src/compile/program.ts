import type { Node, Ref } from './trace.ts';

/** What TensorFlow is given to run. */
export interface Program {
  nodes: readonly Node[];
  /** Nodes that get their values at each run. */
  inputs: readonly number[];
  /** What a run computes. */
  outputs: readonly Ref[];
  /** Further nodes that have to be finished before a node begins, by node. */
  control?: ReadonlyMap<number, readonly number[]>;
}

/** The operations that are needed for outputs, in the order of the nodes. */
export function neededOperations(nodes: readonly Node[], outputs: readonly Ref[]): number[] {
  const needed = new Set(outputs.map(({ node }) => node));
  const order: number[] = [];
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i]!;
    if (node.kind !== 'operation' || !needed.has(i)) continue;
    order.push(i);
    for (const input of node.inputs) needed.add(input.node);
  }
  return order.reverse();
}
