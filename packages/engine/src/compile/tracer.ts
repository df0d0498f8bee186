import * as tf from '@tensorflow/tfjs-core';
import type { EngineError } from '../errors.ts';
import {
  attributeTypes,
  dataTypes,
  type Attribute,
  type Binding,
  type DataId,
  type GraphBackend,
  type HostValues,
  type OutputMetadata,
} from './backend.ts';
import { disposedTensor, randomness, refuseOperation, unsupported, valueRead } from './refusals.ts';
import { SourceLine } from './source-line.ts';
import type { Ref, Signature, Source } from './trace.ts';

/** Under this name the networks look for a recording: they look at no values then, and say what they compute again. */
const recording = Symbol.for('@missing-u/recording');

/** What lies there. */
interface Mark {
  plain: boolean;
  again?: boolean;
}

/** What becomes of the nodes that a tracer sees: they are written down, or compared with what was written down. */
export interface TraceSink {
  input(source: Source, signature: Signature, tensor: tf.TensorInfo): number;
  constant(values: HostValues | undefined, signature: Signature, id: DataId | undefined): number;
  operation(call: OperationCall): { node: number; outputs: OutputMetadata[] };
  /** Whether the data was made by the host in an earlier call, and kept. */
  isConstant(id: DataId): boolean;
}

export interface OperationCall {
  name: string;
  attributes: readonly Attribute[];
  inputs: readonly Ref[];
  outputs: number;
  /** Whether the function says that it computes this again, not having kept it. */
  again: boolean;
}

/** The values of `Int64Scalar` of the native backend, as pairs of 32 bits. */
interface Int64Scalar {
  valueArray: Int32Array;
}

/**
 * Stands between TensorFlow.js' native backend and its binding while a function runs, and tells a sink about everything
 * that would be computed; nothing is. Tensors are known by their data, not by the binding's numbers, which are used again.
 */
export class Tracer {
  readonly #backend: GraphBackend;
  readonly #sink: TraceSink;
  /** Where data that was seen before comes from. */
  readonly #refs = new Map<DataId, Ref>();
  /** Data that existed before and has a name: arguments and variables. */
  readonly #sources: Map<DataId, Source>;
  /** Data that the host has made since. */
  readonly #hostData = new Set<DataId>();
  /** Data that operations have made since. */
  readonly #made = new Map<DataId, Ref>();
  readonly #outputs = new Map<OutputMetadata, Ref>();
  readonly #mark: Mark = { plain: false };
  #pending: Ref[] | undefined;
  #refusal: EngineError | undefined;

  constructor(backend: GraphBackend, sink: TraceSink, sources: Map<DataId, Source>) {
    this.#backend = backend;
    this.#sink = sink;
    this.#sources = sources;
  }

  /** Runs a function, listening. Throws what was refused, even where the function has caught it. */
  run<T>(fn: () => T): T {
    const restore = this.#listen();
    try {
      const result = fn();
      if (this.#refusal !== undefined) throw this.#refusal;
      return result;
    } finally {
      restore();
    }
  }

  /** Where a tensor comes from. */
  resolve(tensor: tf.TensorInfo | Int64Scalar): Ref {
    if ('valueArray' in tensor) {
      const signature = { shape: [], dtype: dataTypes.int64 };
      return { node: this.#sink.constant(tensor.valueArray, signature, undefined), output: 0 };
    }
    const id = tensor.dataId;
    this.#guardDisposed(id);
    let ref = this.#refs.get(id);
    if (ref === undefined) {
      ref = { node: this.#newcomer(tensor), output: 0 };
      this.#refs.set(id, ref);
    }
    return ref;
  }

  /** Data that operations have made and that still exists. */
  survivors(): { id: DataId; ref: Ref }[] {
    return [...this.#made].filter(([id]) => this.#backend.tensorMap.has(id)).map(([id, ref]) => ({ id, ref }));
  }

  #guardDisposed(id: DataId): void {
    // What another engine holds is not there yet, but known.
    if (this.#backend.tensorMap.has(id) || tf.engine().state.tensorInfo.has(id)) return;
    throw this.#refuse(disposedTensor(new SourceLine()));
  }

  #newcomer(tensor: tf.TensorInfo): number {
    const id = tensor.dataId;
    const data = this.#backend.tensorMap.get(id);
    const signature = { shape: [...tensor.shape], dtype: data.dtype };
    if (this.#hostData.has(id) || this.#sink.isConstant(id)) {
      if (data.dtype === dataTypes.string) throw unsupported('a tensor of strings', new SourceLine());
      return this.#sink.constant(data.values ?? undefined, signature, id);
    }
    return this.#sink.input(this.#sources.get(id) ?? { kind: 'captured', dataId: id }, signature, tensor);
  }

  #listen(): () => void {
    const backend = this.#backend;
    const { binding } = backend;
    const original = {
      createOutputTensor: backend.createOutputTensor.bind(backend),
      move: backend.move.bind(backend),
      incRef: backend.incRef.bind(backend),
      readSync: backend.readSync.bind(backend),
      read: backend.read.bind(backend),
      random: Math.random,
    };
    const guardRead = (id: DataId): void => {
      if (!this.#hostData.has(id) && !this.#sink.isConstant(id)) throw this.#refuse(valueRead(new SourceLine()));
    };
    const overrides: Partial<GraphBackend> = {
      binding: Object.create(binding, { executeOp: { value: this.#execute.bind(this) } }) as Binding,
      getInputTensorIds: (tensors) => {
        this.#pending = tensors.map((tensor) => this.resolve(tensor));
        return tensors.map(() => -1);
      },
      createOutputTensor: (metadata) => {
        const tensor = original.createOutputTensor(metadata);
        const ref = this.#outputs.get(metadata);
        if (ref !== undefined) {
          this.#refs.set(tensor.dataId, ref);
          this.#made.set(tensor.dataId, ref);
          this.#outputs.delete(metadata);
        }
        return tensor;
      },
      move: (id, values, shape, dtype, refCount) => {
        original.move(id, values, shape, dtype, refCount);
        this.#hostData.add(id);
      },
      incRef: (id) => {
        this.#guardDisposed(id);
        original.incRef(id);
      },
      readSync: (id) => {
        guardRead(id);
        return original.readSync(id);
      },
      read: (id) => {
        guardRead(id);
        return original.read(id);
      },
    };
    const previous = Object.fromEntries(
      Object.keys(overrides).map((name) => [name, Object.getOwnPropertyDescriptor(backend, name)]),
    );
    Object.assign(backend, overrides);
    const marks = tf.engine() as unknown as Record<symbol, Mark | undefined>;
    const mark = marks[recording];
    marks[recording] = this.#mark;
    Math.random = () => {
      throw this.#refuse(randomness(new SourceLine()));
    };
    return () => {
      Math.random = original.random;
      marks[recording] = mark;
      for (const [name, descriptor] of Object.entries(previous)) {
        if (descriptor === undefined) delete backend[name as keyof GraphBackend];
        else Object.defineProperty(backend, name, descriptor);
      }
    };
  }

  #execute(name: string, attributes: readonly Attribute[], ids: readonly number[], outputs: number): OutputMetadata[] {
    const inputs = this.#pending;
    this.#pending = undefined;
    if (inputs?.length !== ids.length) throw this.#refuse(unsupported(name, new SourceLine()));
    try {
      refuseOperation(name, new SourceLine());
      for (const { type } of attributes) {
        if (type > attributeTypes.shape) throw unsupported(name, new SourceLine());
      }
    } catch (error) {
      throw this.#refuse(error as EngineError);
    }
    const result = this.#sink.operation({ name, attributes, inputs, outputs, again: this.#mark.again ?? false });
    result.outputs.forEach((metadata, output) => this.#outputs.set(metadata, { node: result.node, output }));
    return result.outputs;
  }

  #refuse(error: EngineError): EngineError {
    this.#refusal ??= error;
    return error;
  }
}
