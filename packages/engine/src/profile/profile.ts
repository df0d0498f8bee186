import type * as tf from '@tensorflow/tfjs-core';
import { graphBackend } from '../compile/backend.ts';
import { graphOf, type Compiled } from '../compile/compile.ts';
import type { TensorFunction } from '../compile/record.ts';
import { timeGraph } from './time-graph.ts';
import { timeKernels } from './time-kernels.ts';

/** One operation that was run. Times are milliseconds since the call began. */
export interface ProfiledOperation {
  name: string;
  /** Shape of its first result. */
  shape: readonly number[];
  begin: number;
  milliseconds: number;
}

/** Where the time of one call went. */
export interface Profile {
  /** `graph`: a compiled function's operations, in the order in which they finished; `eager`: kernels in order. */
  mode: 'graph' | 'eager';
  operations: ProfiledOperation[];
}

/**
 * Times each operation of one call, whose results are thrown away.
 *
 * A compiled function that has a graph for these arguments is timed as a graph: a copy with a clock after each operation,
 * which keeps TensorFlow from merging operations; nothing is assigned. Everything else is run as it is, on any engine.
 */
export async function profile<F extends TensorFunction>(fn: F | Compiled<F>, ...args: Parameters<F>): Promise<Profile> {
  const tensors = args as unknown as tf.Tensor[];
  const backend = graphBackend();
  const graph = graphOf(fn, tensors);
  if (backend !== undefined && graph !== undefined) {
    return { mode: 'graph', operations: timeGraph(backend, graph, tensors) };
  }
  return {
    mode: 'eager',
    operations: await timeKernels(() => (fn as unknown as (...args: tf.Tensor[]) => tf.TensorContainer)(...tensors)),
  };
}

/** The operations by name, the costliest first, as a Markdown table. */
export function profileTable({ operations }: Profile, rows = 20): string {
  const sums = new Map<string, { count: number; milliseconds: number }>();
  for (const { name, milliseconds } of operations) {
    const sum = sums.get(name) ?? { count: 0, milliseconds: 0 };
    sums.set(name, { count: sum.count + 1, milliseconds: sum.milliseconds + milliseconds });
  }
  const total = operations.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  const sorted = [...sums].sort(([, a], [, b]) => b.milliseconds - a.milliseconds);
  const line = (name: string, count: number, milliseconds: number) =>
    `| ${name} | ${count} | ${milliseconds.toFixed(2)} | ${((100 * milliseconds) / (total || 1)).toFixed(1)} % |`;
  const shown = sorted.slice(0, rows).map(([name, { count, milliseconds }]) => line(name, count, milliseconds));
  const head = ['| operation | calls | ms | share |', '| --- | ---: | ---: | ---: |'];
  return [...head, ...shown, line('all', operations.length, total)].join('\n');
}

/** The profile as JSON in the trace event format, which ui.perfetto.dev and Chrome's `about:tracing` open. */
export function profileTrace({ operations }: Profile): string {
  const traceEvents = operations.map(({ name, shape, begin, milliseconds }) => ({
    name,
    ph: 'X',
    pid: 1,
    tid: 1,
    // Microseconds.
    ts: 1e3 * begin,
    dur: 1e3 * milliseconds,
    args: { shape: `[${shape.join(', ')}]` },
  }));
  return JSON.stringify({ traceEvents, displayTimeUnit: 'ms' });
}
