import { invalidArgument } from '@missing-u/errors';
import * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../errors.ts';
import { graphBackend, type GraphBackend } from './backend.ts';
import { registerNativePrimitives } from '../primitives/register.ts';
import { CompiledGraph } from './graph.ts';
import { interpret } from './interpreter.ts';
import { checkCompileArguments, type CompileOptions } from './options.ts';
import { callSubject, compare, isTensor, isVariable, record, type TensorFunction } from './record.ts';
import { schedule, type Schedule } from './recompute.ts';
import { changed, keepsState, overBudget } from './refusals.ts';
import { SourceLine } from './source-line.ts';
import { describe, type CompileStats, type GraphStats } from './stats.ts';
import { results } from './trace.ts';
import { verify } from './verify.ts';

/** A function that runs as a graph. */
export type Compiled<F extends TensorFunction> = F & {
  /** What it did and holds so far. */
  readonly stats: CompileStats;
  /** Frees the graphs. The function cannot be called afterwards. */
  dispose(): void;
};

/** One combination of shapes. */
interface Entry {
  graph: CompiledGraph;
  stats: GraphStats;
  /** Whether a second call was compared with the recorded one. */
  compared: boolean;
}

/** Compiled functions called while another one is recorded become part of it. */
let recording = false;

/**
 * Records a function once per combination of argument shapes, and runs it as one TensorFlow graph from then on: the same
 * results with a fraction of the time and memory. On engines without graphs (all but `native`) the function runs as it is,
 * and `stats.mode` says so.
 *
 * The first call with new shapes runs the function's JavaScript without computing anything, and records its operations.
 * These are executed one after the other, as TensorFlow.js would, and the graph's results are compared with theirs. The
 * second call runs the JavaScript once more to find whatever changes from call to call. From the third on only the graph
 * runs. Variables that the function reads are passed to the graph at every run, and those that it
 * assigns are assigned from its results, so an optimiser step can be compiled whole.
 *
 * @param fn synchronous; takes tensors, and returns a tensor or an array of tensors. What changes from call to call has to
 *   be an argument or a variable: numbers and random draws in the function stay as they were.
 * @throws EngineError `ENGINE_COMPILE_OPTION`; and when called `ENGINE_COMPILE_ARGUMENT`, `_OUTPUT`, `_ASYNC`,
 *   `_READS_VALUES`, `_RANDOM`, `_CHANGED`, `_STATE`, `_DISPOSED_CAPTURE`, `_UNSUPPORTED_OP`, `_MEMORY`, `_MISMATCH`, `_RUN`,
 *   `_DISPOSED`
 */
export function compile<F extends TensorFunction>(fn: F, options: CompileOptions = {}): Compiled<F> {
  checkCompileArguments(fn, options);
  const { maxGraphs = 8, memoryBudget = Infinity, enabled = true } = options;
  const subject = { fn, compiledAt: new SourceLine() };
  const entries = new Map<string, Entry>();
  let calls = 0;
  let disposed = false;
  let structure: number | undefined;
  let setUp: string | undefined;

  const call = (...args: tf.Tensor[]): tf.Tensor | tf.Tensor[] => {
    if (disposed)
      throw new EngineError('ENGINE_COMPILE_DISPOSED', 'This compiled function was disposed; compile it again.');
    calls += 1;
    const backend = enabled ? graphBackend() : undefined;
    const { gradientDepth, kernelDepth } = tf.engine().state;
    const taping = gradientDepth > 0 && kernelDepth === 0;
    // A graph has no tape: under a gradient, or in another recording, the function itself is what is wanted.
    if (backend === undefined || recording || taping) {
      return tf.tidy(() => callSubject(subject, args));
    }
    checkArguments(args);
    const key = args.map(describeArgument).join(' ');
    const entry = entries.get(key);
    if (entry === undefined) return first(backend, key, args);
    entries.delete(key);
    entries.set(key, entry);
    if (!entry.compared) second(backend, key, entry, args);
    const start = performance.now();
    const outputs = entry.graph.run(args);
    entry.stats.replays += 1;
    entry.stats.lastMilliseconds = performance.now() - start;
    return entry.graph.trace.returnsArray ? outputs : outputs[0]!;
  };

  const first = (backend: GraphBackend, key: string, args: tf.Tensor[]): tf.Tensor | tf.Tensor[] => {
    registerNativePrimitives();
    const start = performance.now();
    const tolerance = options.tolerance ?? defaultTolerance(backend);
    const recorded = exclusively(() => record(backend, subject, args));
    const recordMilliseconds = performance.now() - start;
    const { trace, values, held } = recorded;
    let graph: CompiledGraph | undefined;
    try {
      const compares = tolerance !== Infinity;
      if (recorded.setUp === undefined) {
        checkForm(key, trace.returnsArray ? values.length : -1);
        const begin = performance.now();
        const planned = schedule(trace.nodes, results(trace), memoryBudget);
        checkMemory(key, planned);
        if (compares) recorded.materialise(interpret(backend, planned.nodes, held, recorded.made, planned.order));
        graph = new CompiledGraph(backend, trace, planned);
        if (!compares) recorded.materialise(graph.fetch(held, recorded.made));
        const difference = compares ? verify(graph, held, values, tolerance) : undefined;
        const optimizeMilliseconds = performance.now() - begin;
        const stats = describe(key, trace, planned, { recordMilliseconds, optimizeMilliseconds, difference });
        entries.set(key, { graph, stats, compared: false });
        evict();
      } else {
        recorded.materialise(interpret(backend, trace.nodes, held, recorded.made));
        if (setUp !== undefined) throw keepsState(recorded.setUp);
      }
      setUp = recorded.setUp;
      return trace.returnsArray ? values : values[0]!;
    } catch (error) {
      tf.dispose(values);
      graph?.dispose();
      throw error;
    } finally {
      recorded.release();
    }
  };

  const checkMemory = (key: string, { leastBytes, lifetimes }: Schedule): void => {
    if (leastBytes > memoryBudget)
      throw overBudget(key, leastBytes, lifetimes.fixedBytes, memoryBudget, subject.compiledAt);
  };

  const checkForm = (key: string, form: number): void => {
    if ((structure ??= form) === form) return;
    const remedy = 'It has to return the same number of tensors for all shapes; compile one function for each form.';
    const returns = form === -1 ? 'a tensor' : `${form} tensor(s) in an array`;
    throw changed(`for ${key} it returns ${returns} (compiled at ${subject.compiledAt})`, remedy);
  };

  const second = (backend: GraphBackend, key: string, entry: Entry, args: tf.Tensor[]): void => {
    try {
      exclusively(() => compare(backend, subject, args, entry.graph.trace));
      entry.compared = true;
    } catch (error) {
      entries.delete(key);
      entry.graph.dispose();
      throw error;
    }
  };

  const evict = (): void => {
    for (const [key, { graph }] of entries) {
      if (entries.size <= maxGraphs) return;
      graph.dispose();
      entries.delete(key);
    }
  };

  const properties = {
    stats: {
      get: (): CompileStats => ({
        mode: enabled && graphBackend() !== undefined ? 'graph' : 'eager',
        calls,
        graphs: [...entries.values()].map(({ stats }) => ({ ...stats })),
      }),
    },
    dispose: {
      value: (): void => {
        disposed = true;
        for (const { graph } of entries.values()) graph.dispose();
        entries.clear();
      },
    },
  };
  const made = Object.defineProperties(call, properties) as unknown as Compiled<F>;
  lookups.set(made, (args) => entries.get(args.map(describeArgument).join(' '))?.graph);
  return made;
}

/** A card rounds convolutions to TensorFloat-32 (2^-11), by algorithms that differ from call to call in what they sum first. */
function defaultTolerance({ binding }: GraphBackend): number {
  return binding.isUsingGpuDevice() ? 5e-3 : 1e-5;
}

/** How to find the graphs of compiled functions. */
const lookups = new WeakMap<object, (args: readonly tf.Tensor[]) => CompiledGraph | undefined>();

/** The graph that a compiled function has for the shapes of these arguments. */
export function graphOf(fn: TensorFunction, args: readonly tf.Tensor[]): CompiledGraph | undefined {
  return lookups.get(fn)?.(args);
}

function exclusively<T>(run: () => T): T {
  recording = true;
  try {
    return run();
  } finally {
    recording = false;
  }
}

function checkArguments(args: readonly unknown[]): asserts args is tf.Tensor[] {
  args.forEach((value, i) => {
    const problem = !isTensor(value) ? 'a tensor' : value.isDisposed ? 'a tensor that is not disposed' : undefined;
    if (problem === undefined && (value as tf.Tensor).dtype !== 'string') return;
    const message = invalidArgument({
      argument: `argument ${i}`,
      value,
      allowed: problem ?? 'a tensor of numbers, not of strings',
      remedy: typeof value === 'number' ? 'pass a number as `tf.scalar(number)`' : 'pass it as a tensor',
    });
    throw new EngineError('ENGINE_COMPILE_ARGUMENT', message);
  });
}

/** What a graph is recorded for: types and shapes, and which variable where one is passed in. */
function describeArgument(tensor: tf.Tensor): string {
  const name = isVariable(tensor) ? `variable ${tensor.id} ` : '';
  return `${name}${tensor.dtype}[${tensor.shape}]`;
}
