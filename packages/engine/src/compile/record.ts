import { invalidArgument } from '@missing-u/errors';
import * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../errors.ts';
import { hold, sameMemory, type DataId, type GraphBackend } from './backend.ts';
import { interpret } from './interpreter.ts';
import { changed } from './refusals.ts';
import { Comparison, Recording } from './sinks.ts';
import type { SourceLine } from './source-line.ts';
import type { Ref, Source, Trace } from './trace.ts';
import { Tracer } from './tracer.ts';

/** A function as the user writes it: tensors in, a tensor or an array of tensors out. */
export type TensorFunction = (...args: never[]) => tf.Tensor | tf.Tensor[];

/** A function to compile. */
export interface Subject {
  fn: TensorFunction;
  /** Where `compile` was called, for messages. */
  compiledAt: SourceLine;
}

/** A recorded call. Nothing was computed yet: what it made are tensors without values, until {@link materialise}. */
export interface RecordedCall {
  trace: Trace;
  /** What the function returned. */
  values: tf.Tensor[];
  /** The inputs' values before the call, by node. */
  held: ReadonlyMap<number, tf.Tensor>;
  /** What it made that still exists: results, values of variables, and what it keeps. */
  made: readonly Ref[];
  /** Why this call cannot stand for later ones, if so: it made variables or tensors that the next call will find. */
  setUp?: string;
  /** Gives what the call made its values, by the binding's numbers, in the order of `made`. */
  materialise(ids: readonly number[]): void;
  /** Frees `held`, and puts back the old values of variables that got none. */
  release(): void;
}

/** Calls a function without computing anything, and writes down what it would compute. */
export function record(backend: GraphBackend, subject: Subject, args: readonly tf.Tensor[]): RecordedCall {
  const recording = new Recording(backend);
  const before = holdVariables(backend);
  const { nodes, constants, held } = recording;
  const materialise = (survivors: readonly { id: DataId }[], ids: readonly number[]): void =>
    survivors.forEach(({ id }, i) => (backend.tensorMap.get(id).id = ids[i]!));
  const release = (): void => {
    tf.dispose([...held.values()]);
    before.release(({ dataId }) => isHollow(backend, dataId));
  };
  return prepared(backend, args, (sources, placeholders) => {
    const tracer = new Tracer(backend, recording, sources);
    let values: tf.Tensor[] = [];
    try {
      const called = call(tracer, subject, placeholders);
      const { returnsArray } = called;
      values = called.values;
      const setUp = leftBehind(tracer, values, before.variables, nodes);
      const trace: Trace = { nodes, returnsArray, constants, ...results(tracer, values, sources) };
      const survivors = tracer.survivors();
      const made = survivors.map(({ ref }) => ref);
      const recorded = { trace, values, held, made, materialise: materialise.bind(undefined, survivors), release };
      return { ...recorded, ...(setUp !== undefined && { setUp }) };
    } catch (error) {
      tf.dispose(values);
      // As if it had been executed up to here: what it made before, and keeps, gets its values.
      const survivors = tracer.survivors();
      const made = survivors.map(({ ref }) => ref);
      try {
        materialise(survivors, interpret(backend, nodes, held, made));
      } finally {
        release();
      }
      throw error;
    } finally {
      recording.finish();
    }
  });
}

/**
 * Calls a function again without computing anything, and throws where it differs from its trace. Variables keep their
 * values.
 */
export function compare(backend: GraphBackend, subject: Subject, args: readonly tf.Tensor[], trace: Trace): void {
  prepared(backend, args, (sources, placeholders) => {
    const before = holdVariables(backend);
    const comparison = new Comparison(trace);
    const tracer = new Tracer(backend, comparison, sources);
    let values: tf.Tensor[] = [];
    try {
      values = call(tracer, subject, placeholders).values;
      const { outputs, assignments } = results(tracer, values, sources);
      const state = leftBehind(tracer, values, before.variables, trace.nodes);
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
      tf.dispose(values);
      before.release(() => true);
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
  const bad = list.findIndex((value) => !isTensor(value) || value.isDisposed);
  if (bad === -1) return returned as tf.Tensor | tf.Tensor[];
  const message = invalidArgument({
    argument: Array.isArray(returned) ? `result[${bad}]` : 'result',
    value: list[bad],
    allowed: isTensor(list[bad])
      ? 'a tensor that is not disposed'
      : 'a tensor (a compiled function returns a tensor or an array of tensors)',
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

/** Whether data belongs to an operation that was recorded, and not executed yet. */
function isHollow(backend: GraphBackend, id: DataId): boolean {
  const data = backend.tensorMap.get(id);
  return data.id < 0 && data.values === null;
}

/** Holds the values that variables have now. */
function holdVariables(backend: GraphBackend) {
  const held = new Map(variables().map((variable) => [variable, hold(backend, variable)]));
  return {
    variables: held as ReadonlyMap<tf.Variable, tf.Tensor>,
    /** Lets go of the values; variables for which `back` holds get them back. */
    release(back: (variable: tf.Variable) => boolean): void {
      for (const [variable, value] of held) {
        if (!variable.isDisposed && variable.dataId !== value.dataId && back(variable)) variable.assign(value);
        value.dispose();
      }
    },
  };
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
  before: ReadonlyMap<tf.Variable, unknown>,
  nodes: Trace['nodes'],
): string | undefined {
  const created = variables().find((variable) => !before.has(variable));
  if (created !== undefined) return `it made the variable '${created.name}'`;
  const owned = new Set([...values, ...variables()].map(({ dataId }) => dataId));
  const kept = tracer.survivors().find(({ id }) => !owned.has(id));
  return kept === undefined ? undefined : `it keeps a tensor that it computed (${nodes[kept.ref.node]!.line})`;
}
