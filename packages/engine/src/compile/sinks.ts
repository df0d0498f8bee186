import type * as tf from '@tensorflow/tfjs-core';
import type { EngineError } from '../errors.ts';
import { hold, type DataId, type GraphBackend, type HostValues, type OutputMetadata } from './backend.ts';
import { changed } from './refusals.ts';
import { ShapeProbe } from './shape-probe.ts';
import { SourceLine } from './source-line.ts';
import type { Node, OperationNode, Signature, Source, Trace } from './trace.ts';
import type { OperationCall, TraceSink } from './tracer.ts';

/** Writes down what it is told. Nothing is computed: operations give tensors that have shapes only. */
export class Recording implements TraceSink {
  readonly nodes: Node[] = [];
  readonly constants = new Map<DataId, number>();
  /** The inputs' values as they were when first read, by node; the owner disposes them. */
  readonly held = new Map<number, tf.Tensor>();
  readonly #backend: GraphBackend;
  readonly #shapes: ShapeProbe;
  readonly #fakes = new Fakes();

  constructor(backend: GraphBackend) {
    this.#backend = backend;
    this.#shapes = new ShapeProbe(backend, this.nodes, this.held);
  }

  input(source: Source, signature: Signature, tensor: tf.TensorInfo): number {
    const node = this.#add({ kind: 'input', source, ...signature, line: new SourceLine() });
    this.held.set(node, hold(this.#backend, tensor));
    return node;
  }

  constant(values: HostValues | undefined, signature: Signature, id: DataId | undefined): number {
    const node = this.#add({ kind: 'constant', values: values!.slice(), ...signature, line: new SourceLine() });
    if (id !== undefined) this.constants.set(id, node);
    return node;
  }

  operation(call: OperationCall) {
    const { name, attributes, inputs, again } = call;
    const outputs = this.#shapes.outputs(call);
    const copied = attributes.map((attribute) => ({ ...attribute }));
    const line = new SourceLine();
    const node = this.#add({
      kind: 'operation',
      name,
      attributes: copied,
      inputs,
      outputs,
      line,
      ...(again && { again }),
    });
    return { node, outputs: this.#fakes.make(outputs) };
  }

  isConstant(): boolean {
    return false;
  }

  /** Frees what recording needed, when it has ended. */
  finish(): void {
    this.#shapes.dispose();
  }

  #add(node: Node): number {
    return this.nodes.push(node) - 1;
  }
}

/** Outputs that the backend takes for tensors, but that do not exist in TensorFlow. */
class Fakes {
  #count = 0;

  make(signatures: readonly Signature[]): OutputMetadata[] {
    return signatures.map(({ shape, dtype }) => {
      // Negative, so that the backend does not ask the binding to delete it.
      this.#count += 1;
      return { id: -1 - this.#count, shape: [...shape], dtype };
    });
  }
}

/**
 * Compares what it is told with a trace, node by node, and computes nothing: operations give the recorded shapes. It costs
 * a function its JavaScript alone, and finds every number that went into the graph as a constant and has changed since.
 */
export class Comparison implements TraceSink {
  readonly #trace: Trace;
  readonly #fakes = new Fakes();
  #next = 0;

  constructor(trace: Trace) {
    this.#trace = trace;
  }

  input(source: Source, signature: Signature): number {
    const expected = this.#expected('input', 'it reads another tensor');
    const same = expected.source.kind === source.kind && identity(expected.source) === identity(source);
    if (!same && source.kind === 'captured' && expected.source.kind === 'captured') {
      throw changed(
        `the tensor that it closes over (${new SourceLine()}) was replaced by another`,
        'Keep it in a `tf.variable`, or pass it in as an argument.',
      );
    }
    if (!same || !sameSignature(expected, signature))
      throw this.#different(`it reads another tensor (${new SourceLine()})`);
    return this.#next++;
  }

  constant(values: HostValues | undefined, signature: Signature, id: DataId | undefined): number {
    const expected = this.#expected('constant', 'it makes another constant');
    const known = id !== undefined && this.#trace.constants.get(id) === this.#next;
    if (!sameSignature(expected, signature)) throw this.#different(`it makes another constant (${new SourceLine()})`);
    if (!known && !sameValues(expected.values, values!)) {
      throw changed(
        `a number that it was recorded with has changed (${new SourceLine()})`,
        'Numbers that change from call to call (learning rates, steps, schedules, drawn noise) have to be passed in as tensors.',
      );
    }
    return this.#next++;
  }

  operation({ name, attributes, inputs, outputs }: OperationCall) {
    const expected = this.#expected('operation', `it runs ${name}`);
    const same =
      expected.name === name &&
      expected.outputs.length === outputs &&
      sameInputs(expected, inputs) &&
      JSON.stringify(expected.attributes) === JSON.stringify(attributes);
    if (!same)
      throw this.#different(`it runs ${name} (${new SourceLine()}) where it ran ${expected.name} (${expected.line})`);
    return { node: this.#next++, outputs: this.#fakes.make(expected.outputs) };
  }

  isConstant(id: DataId): boolean {
    return this.#trace.constants.has(id);
  }

  /** Throws unless the whole trace was seen. */
  finish(): void {
    const missing = this.#trace.nodes[this.#next];
    if (missing !== undefined) throw this.#different(`it no longer gets to ${missing.line}`);
  }

  #expected<K extends Node['kind']>(kind: K, what: string): Extract<Node, { kind: K }> {
    const node = this.#trace.nodes[this.#next];
    if (node?.kind === kind) return node as Extract<Node, { kind: K }>;
    throw this.#different(`${what} (${new SourceLine()})`);
  }

  #different(what: string): EngineError {
    return changed(
      what,
      'For the same shapes it has to run the same operations; compile one function for each of the ways it can go.',
    );
  }
}

function identity(source: Source): unknown {
  if (source.kind === 'argument') return source.index;
  return source.kind === 'variable' ? source.variable : source.dataId;
}

function sameSignature(a: Signature, b: Signature): boolean {
  return a.dtype === b.dtype && a.shape.length === b.shape.length && a.shape.every((size, i) => size === b.shape[i]);
}

function sameInputs(expected: OperationNode, inputs: OperationCall['inputs']): boolean {
  return (
    expected.inputs.length === inputs.length &&
    expected.inputs.every(({ node, output }, i) => node === inputs[i]!.node && output === inputs[i]!.output)
  );
}

/** Bit by bit, so that NaN equals NaN. */
function sameValues(a: HostValues, b: HostValues): boolean {
  return a.length === b.length && a.every((value, i) => Object.is(value, b[i]));
}
