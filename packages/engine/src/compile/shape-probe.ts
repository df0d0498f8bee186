import type * as tf from '@tensorflow/tfjs-core';
import { attributeTypes, dataTypes, type Attribute, type Binding, type GraphBackend } from './backend.ts';
import { deleteAll, interpret, type Executor } from './interpreter.ts';
import { signatureOf, type Node, type Ref, type Signature } from './trace.ts';
import type { OperationCall } from './tracer.ts';

/** Values of up to this many elements may be shapes, axes and the like, which decide about shapes. */
const small = 64;

/**
 * Finds out the shapes and types that operations give, without computing what the function computes: each distinct
 * operation is run once, on zeros in the place of what other operations would have given. No shape depends on such values
 * (operations where one does are refused); those that come from the host may decide about shapes, and are the real ones.
 */
export class ShapeProbe {
  readonly #nodes: readonly Node[];
  readonly #inputs: ReadonlyMap<number, tf.TensorInfo>;
  readonly #original: Executor;
  /** What was found out, by operation. */
  readonly #known = new Map<string, Signature[]>();
  /** Stand-ins by shape and type. */
  readonly #standIns = new Map<string, number>();

  /**
   * @param nodes all nodes so far; grows while the function is recorded
   * @param inputs the values of the input nodes; grows too
   */
  constructor(backend: GraphBackend, nodes: readonly Node[], inputs: ReadonlyMap<number, tf.TensorInfo>) {
    this.#nodes = nodes;
    this.#inputs = inputs;
    // Bound now, as they are replaced while a function is recorded.
    this.#original = { binding: backend.binding, getInputTensorIds: backend.getInputTensorIds.bind(backend) };
  }

  /** Shapes and types of what an operation gives. */
  outputs(call: OperationCall): Signature[] {
    const key = this.#key(call);
    let found = this.#known.get(key);
    if (found === undefined) {
      found = this.#onStandIns(call) ?? this.#onRealValues(call);
      this.#known.set(key, found);
    }
    return found;
  }

  dispose(): void {
    deleteAll(this.#original.binding, this.#standIns.values());
    this.#standIns.clear();
  }

  /** What makes an operation give other shapes than another one. */
  #key({ name, attributes, inputs, outputs }: OperationCall): string {
    const parts = inputs.map((ref) => {
      const node = this.#nodes[ref.node]!;
      const { shape, dtype } = signatureOf(this.#nodes, ref);
      if (node.kind === 'operation' || dtype === dataTypes.float32) return `${dtype}[${shape}]`;
      return node.kind === 'constant' && node.values.length <= small
        ? `${dtype}[${shape}]=${node.values}`
        : `${dtype}[${shape}]#${ref.node}`;
    });
    return JSON.stringify([name, outputs, attributes, parts]);
  }

  #onStandIns(call: OperationCall): Signature[] | undefined {
    try {
      return this.#run(call, (ref) => this.#standIn(ref));
    } catch {
      // Zeros are no matrix to invert, and no index into nothing.
      return undefined;
    }
  }

  #onRealValues(call: OperationCall): Signature[] {
    const isMade = ({ node }: Ref) => this.#nodes[node]!.kind === 'operation';
    const made = call.inputs.filter(isMade);
    const ids = interpret(this.#original, this.#nodes, this.#inputs, made);
    try {
      return this.#run(call, (ref) => ids[made.indexOf(ref)]);
    } finally {
      deleteAll(this.#original.binding, ids);
    }
  }

  /** @param madeId the number of a tensor in the place of one that an operation makes */
  #run({ name, attributes, inputs, outputs }: OperationCall, madeId: (ref: Ref) => number | undefined): Signature[] {
    const { binding } = this.#original;
    const temporary: number[] = [];
    try {
      const ids = inputs.map((ref) => {
        const node = this.#nodes[ref.node]!;
        if (node.kind === 'operation') return madeId(ref)!;
        if (node.kind === 'input') return this.#original.getInputTensorIds([this.#inputs.get(ref.node)!])[0]!;
        const id = binding.createTensor(node.shape, node.dtype, node.values);
        temporary.push(id);
        return id;
      });
      const made = binding.executeOp(name, attributes, ids, outputs);
      temporary.push(...made.map(({ id }) => id));
      return made.map(({ shape, dtype }) => ({ shape, dtype }));
    } finally {
      deleteAll(binding, temporary);
    }
  }

  #standIn(ref: Ref): number {
    const { shape, dtype } = signatureOf(this.#nodes, ref);
    const key = `${dtype}[${shape}]`;
    let id = this.#standIns.get(key);
    if (id === undefined) {
      id = zeros(this.#original.binding, shape, dtype);
      this.#standIns.set(key, id);
    }
    return id;
  }
}

/** A tensor of zeros of any type of numbers. */
function zeros(binding: Binding, shape: readonly number[], dtype: number): number {
  const type = (name: string, value: number) => ({ name, type: attributeTypes.type, value });
  const run = (name: string, attributes: Attribute[], ids: number[]) => {
    const [made] = binding.executeOp(name, attributes, ids, 1);
    deleteAll(binding, ids);
    return made!.id;
  };
  const { float32, int32 } = dataTypes;
  const size = binding.createTensor([shape.length], int32, Int32Array.from(shape));
  const zero = binding.createTensor([], float32, Float32Array.of(0));
  const floats = run('Fill', [type('T', float32), type('index_type', int32)], [size, zero]);
  if (dtype === float32) return floats;
  const truncate = { name: 'Truncate', type: attributeTypes.bool, value: false };
  return run('Cast', [type('SrcT', float32), type('DstT', dtype), truncate], [floats]);
}
