import type { Graph } from '../trace/graph.ts';
import { dropDead, dropIdentities, mergeCommon } from './clean.ts';
import { flattenProducts } from './flatten-products.ts';
import { fuseBias, fusePadding } from './fuse-convolutions.ts';
import { findGroupNorms } from './group-norm.ts';

/** What is done to a traced graph before it is written, in this order. */
const passes: readonly ((graph: Graph) => Graph)[] = [
  flattenProducts,
  dropIdentities,
  mergeCommon,
  findGroupNorms,
  fusePadding,
  fuseBias,
  dropDead,
];

export function optimize(graph: Graph): Graph {
  return passes.reduce((current, pass) => pass(current), graph);
}
