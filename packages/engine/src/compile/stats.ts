import type { Schedule } from './recompute.ts';
import { bytesOf, results, signatureOf, type OperationNode, type Trace } from './trace.ts';

/** What a compiled function did and holds. */
export interface CompileStats {
  /** Whether it runs as graphs on this engine, or as it is. */
  mode: 'graph' | 'eager';
  calls: number;
  /** One for each combination of shapes in its cache, the least recently used first. */
  graphs: GraphStats[];
}

export interface GraphStats {
  /** The arguments' types and shapes. */
  arguments: string;
  /** Operations as recorded, before TensorFlow merges and removes some. */
  operations: number;
  /** Operations by name. */
  operationCounts: Record<string, number>;
  /** Bytes of the numbers that went into the graph. */
  constantBytes: number;
  /** Bytes of the arguments, variables and other tensors that a run reads. */
  inputBytes: number;
  /** Bytes of what a run returns and assigns. */
  outputBytes: number;
  /** What a run holds, and computes again to hold less. */
  memory: GraphMemory;
  /** The function's JavaScript, while it was recorded. */
  recordMilliseconds: number;
  /** Building the graph and its first run, in which TensorFlow optimises it. */
  optimizeMilliseconds: number;
  /** Largest relative difference to the recorded operations executed one by one; absent where nothing was compared. */
  difference?: number;
  /** Runs of the graph, after the first. */
  replays: number;
  /** How long the latest replay took. */
  lastMilliseconds?: number;
}

/**
 * The memory of a run, estimated from shapes and the order of the recorded operations. What TensorFlow itself takes, and
 * operations take while they run, comes on top.
 */
export interface GraphMemory {
  /** Most bytes held at a time: inputs, constants, results and what is in between. */
  peakBytes: number;
  /** What is held where most is, inputs and constants aside, by the operation that made it, the largest first. */
  kept: KeptResults[];
  /** How many operations compute again what was not kept, for `checkpoint` or a memory budget. */
  recomputed: number;
}

/** Results of one line's operations that are held at a time. */
export interface KeptResults {
  operation: string;
  /** `file:line` of the code that ran it, outside TensorFlow.js. */
  line: string;
  count: number;
  bytes: number;
}

/** The statistics of a new graph. */
export function describe(
  shapes: string,
  trace: Trace,
  schedule: Schedule,
  measured: { recordMilliseconds: number; optimizeMilliseconds: number; difference: number | undefined },
): GraphStats {
  const { difference, ...times } = measured;
  const counts = new Map<string, number>();
  let [constantBytes, inputBytes] = [0, 0];
  for (const node of trace.nodes) {
    if (node.kind === 'operation') counts.set(node.name, (counts.get(node.name) ?? 0) + 1);
    else if (node.kind === 'constant') constantBytes += bytesOf(node);
    else inputBytes += bytesOf(node);
  }
  const sorted = [...counts].sort(([, a], [, b]) => b - a);
  return {
    arguments: shapes,
    operations: sorted.reduce((sum, [, count]) => sum + count, 0),
    operationCounts: Object.fromEntries(sorted),
    constantBytes,
    inputBytes,
    outputBytes: results(trace).reduce((sum, ref) => sum + bytesOf(signatureOf(trace.nodes, ref)), 0),
    memory: memoryOf(schedule),
    ...times,
    ...(difference !== undefined && { difference }),
    replays: 0,
  };
}

function memoryOf({ nodes, order, lifetimes }: Schedule): GraphMemory {
  const { place, bytes } = lifetimes.peak;
  const kept = new Map<string, KeptResults>();
  for (const buffer of lifetimes.heldAt(place)) {
    const { name, line: source } = nodes[buffer.ref.node] as OperationNode;
    const line = source.frames(1)[0] ?? 'an unknown line';
    const sum = kept.get(`${name} ${line}`) ?? { operation: name, line, count: 0, bytes: 0 };
    sum.count += 1;
    sum.bytes += buffer.bytes;
    kept.set(`${name} ${line}`, sum);
  }
  return {
    peakBytes: bytes,
    kept: [...kept.values()].sort((a, b) => b.bytes - a.bytes),
    recomputed: order.filter((index) => (nodes[index] as OperationNode).again === true).length,
  };
}
