import { bytesOf, signatureOf, type Trace } from './trace.ts';

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

/** The statistics of a new graph. */
export function describe(
  shapes: string,
  trace: Trace,
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
  const results = [...trace.outputs, ...trace.assignments.map(({ value }) => value)];
  const sorted = [...counts].sort(([, a], [, b]) => b - a);
  return {
    arguments: shapes,
    operations: sorted.reduce((sum, [, count]) => sum + count, 0),
    operationCounts: Object.fromEntries(sorted),
    constantBytes,
    inputBytes,
    outputBytes: results.reduce((sum, ref) => sum + bytesOf(signatureOf(trace.nodes, ref)), 0),
    ...times,
    ...(difference !== undefined && { difference }),
    replays: 0,
  };
}
