import { invalidArgument } from '@missing-u/errors';
import * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../errors.ts';
import { hold, sameMemory, type DataId, type GraphBackend } from './backend.ts';
import { changed } from './refusals.ts';
import { Comparison, Recording } from './sinks.ts';
import type { SourceLine } from './source-line.ts';
import type { Source, Trace } from './trace.ts';
import { Tracer } from './tracer.ts';

/** A function as the user writes it: tensors in, a tensor or an array of tensors out. */
export type TensorFunction = (...args: never[]) => tf.Tensor | tf.Tensor[];

/** A function to compile. */
export interface Subject {
  fn: TensorFunction;
  /** Where `compile` was called, for messages. */
  compiledAt: SourceLine;
}

/** A recorded call: it was executed, so it has results too. */
export interface RecordedCall {
  trace: Trace;
  /** What the function returned. */
  values: tf.Tensor[];
  /** The inputs' values before the call, by node; the caller disposes them. */
  held: Map<number, tf.Tensor>;
  /** Why this call cannot stand for later ones, if so: it made variables or tensors that the next call will find. */
  setUp?: string;
}

/** Runs a function, eagerly, and writes down what it computes. */
export function record(backend: GraphBackend, subject: Subject, args: readonly tf.Tensor[]): RecordedCall {
  const recording = new Recording(backend);
  try {
    return prepared(backend, args, (sources, placeholders) => {
      const before = new Set(variables());
      const tracer = new Tracer(backend, recording, sources);
      const { values, returnsArray } = call(tracer, subject, placeholders);
      const setUp = leftBehind(tracer, values, before, recording.nodes);
      const { nodes, constants, held } = recording;
      const trace: Trace = { nodes, returnsArray, constants, ...results(tracer, values, sources) };
      return { trace, values, held, ...(setUp !== undefined && { setUp }) };
    });
  } catch (error) {
    tf.dispose([...recording.held.values()]);
    throw error;
  }
}

/**
 * Calls a function again without computing anything, and throws where it differs from its trace. Variables keep their
 * values.
 */
export function compare(backend: GraphBackend, subject: Subject, args: readonly tf.Tensor[], trace: Trace): void {
  prepared(backend, args, (sources, placeholders) => {
    const before = variables().map((variable) => ({ variable, value: hold(backend, variable) }));
    const comparison = new Comparison(trace);
    const tracer = new Tracer(backend, comparison, sources);
    try {
      const { values } = call(tracer, subject, placeholders);
      const { outputs, assignments } = results(tracer, values, sources);
      const state = leftBehind(tracer, values, new Set(before.map(({ variable }) => variable)), trace.nodes);
      tf.dispose(values);
      comparison.finish();
      const expected = [...trace.outputs, ...trace.assignments.map(({ value }) => value)];
      const found = [...outputs, ...assignments.map(({ value }) => value)];
      const same =
        state === undefined &&
        assignments.length === trace.assignments.length &&
        assignments.every(({ variable }, i) => variable === trace.assignments[i]!.variable) &&
        JSON.stringify(found) === JSON.stringify(expected);
      if (!same) {
        const remedy = 'It has to return, assign and keep the same tensors at every call.';
        throw changed(state ?? 'it returns or assigns other tensors', remedy);
      }
    } finally {
      for (const { variable, value } of before) {
        if (!variable.isDisposed && variable.dataId !== value.dataId) variable.assign(value);
        value.dispose();
      }
    }
  });
}

/** Gives every argument and variable data of its own, so that each can be told from the others by it. */
function prepared<T>(
  backend: GraphBackend,
  args: readonly tf.Tensor[],
  run: (sources: Map<DataId, Source>, placeholders: tf.Tensor[]) => T,
): T {
  const sources = new Map<DataId, Source>();
  for (const variable of variables()) {
    // `get` also fetches data that another engine holds.
    backend.tensorMap.get(variable.dataId);
    if (backend.refCount(variable.dataId) > 1) {
      const separate = sameMemory(backend, variable as tf.Tensor);
      variable.assign(separate);
      separate.dispose();
    }
    sources.set(variable.dataId, { kind: 'variable', variable });
  }
  const placeholders = args.map((arg, index) => {
    if (isVariable(arg)) return arg;
    const placeholder = sameMemory(backend, arg);
    sources.set(placeholder.dataId, { kind: 'argument', index });
    return placeholder;
  });
  try {
    return run(sources, placeholders);
  } finally {
    tf.dispose(placeholders.filter((placeholder) => !isVariable(placeholder)));
  }
}

function call(tracer: Tracer, subject: Subject, args: readonly tf.Tensor[]) {
  let returnsArray = false;
  const values = tf.tidy(() =>
    tracer.run(() => {
      const returned = callSubject(subject, args);
      returnsArray = Array.isArray(returned);
      // Clones, as an argument or a variable handed through is not ours to give.
      return (returnsArray ? (returned as tf.Tensor[]) : [returned as tf.Tensor]).map((value) => tf.clone(value));
    }),
  );
  return { values, returnsArray };
}

/** Calls the function itself, and refuses what cannot be compiled of its result. */
export function callSubject({ fn, compiledAt }: Subject, args: readonly tf.Tensor[]): tf.Tensor | tf.Tensor[] {
  return checkedResult((fn as (...args: readonly tf.Tensor[]) => unknown)(...args), compiledAt);
}

/** Refuses promises and whatever else is not a tensor or an array of tensors. */
function checkedResult(returned: unknown, compiledAt: SourceLine): tf.Tensor | tf.Tensor[] {
  if (typeof (returned as Partial<PromiseLike<unknown>> | null | undefined)?.then === 'function') {
    Promise.resolve(returned as PromiseLike<unknown>).catch(() => undefined);
    throw new EngineError(
      'ENGINE_COMPILE_ASYNC',
      `A compiled function (compiled at ${compiledAt}) returned a promise, but has to be synchronous; await what it needs ` +
        'before, and pass it in.',
    );
  }
  const list: unknown[] = Array.isArray(returned) ? returned : [returned];
  const bad = list.findIndex((value) => !isTensor(value));
  if (bad === -1) return returned as tf.Tensor | tf.Tensor[];
  const message = invalidArgument({
    argument: Array.isArray(returned) ? `result[${bad}]` : 'result',
    value: list[bad],
    allowed: 'a tensor (a compiled function returns a tensor or an array of tensors)',
    remedy: `return tensors, and make of them what you need outside (compiled at ${compiledAt})`,
  });
  throw new EngineError('ENGINE_COMPILE_OUTPUT', message);
}

export function isTensor(value: unknown): value is tf.Tensor {
  return typeof value === 'object' && value !== null && 'dataId' in value && 'shape' in value;
}

export function isVariable(tensor: tf.Tensor): tensor is tf.Variable {
  return 'trainable' in tensor;
}

function variables(): tf.Variable[] {
  return Object.values(tf.engine().state.registeredVariables);
}

/** What the function returned, and which variables it assigned. */
function results(tracer: Tracer, values: readonly tf.Tensor[], sources: ReadonlyMap<DataId, Source>) {
  const outputs = values.map((value) => tracer.resolve(value));
  const assignments: Trace['assignments'] = [];
  for (const [dataId, source] of sources) {
    if (source.kind !== 'variable' || source.variable.isDisposed || source.variable.dataId === dataId) continue;
    assignments.push({ variable: source.variable, value: tracer.resolve(source.variable) });
  }
  return { outputs, assignments };
}

/** What a call made that outlives it, besides its results: new variables, and tensors that it keeps. */
function leftBehind(
  tracer: Tracer,
  values: readonly tf.Tensor[],
  before: ReadonlySet<tf.Variable>,
  nodes: Trace['nodes'],
): string | undefined {
  const created = variables().find((variable) => !before.has(variable));
  if (created !== undefined) return `it made the variable '${created.name}'`;
  const owned = new Set([...values, ...variables()].map(({ dataId }) => dataId));
  const kept = tracer.survivors().find(({ id }) => !owned.has(id));
  return kept === undefined ? undefined : `it keeps a tensor that it computed (${nodes[kept.ref.node]!.line})`;
}
