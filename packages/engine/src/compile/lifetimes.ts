import { bytesOf, signatureOf, type Node, type Ref } from './trace.ts';

/** Operations whose result is the memory of their first operand. */
const views = new Set(['ExpandDims', 'Identity', 'Reshape', 'Squeeze']);

/** A piece of memory that an operation fills. */
export interface Buffer {
  /** The output that it was made for; views of it share it. */
  ref: Ref;
  bytes: number;
  /** Place in the order of the operation that makes it. */
  born: number;
  /** Places of the operations that read it, views included; for one that a run returns `Infinity` at the end. */
  uses: number[];
}

/**
 * Which memory is needed when, if operations run in a given order and memory is freed after its last use. TensorFlow runs them
 * in about this order, writes some results over operands that are used up, and takes room of its own within operations.
 */
export class Lifetimes {
  readonly buffers: Buffer[] = [];
  /** Arguments, variables, other tensors from outside, and numbers of the graph: there for a whole run. */
  readonly fixedBytes: number;
  /** Bytes held while each operation runs, in order. */
  readonly held: Float64Array;
  /** Place in the order by operation. */
  readonly places = new Map<number, number>();
  readonly #buffers = new Map<number, Buffer[]>();

  constructor(nodes: readonly Node[], order: readonly number[], outputs: readonly Ref[]) {
    this.fixedBytes = nodes.reduce((sum, node) => sum + (node.kind === 'operation' ? 0 : bytesOf(node)), 0);
    order.forEach((index, place) => {
      const node = nodes[index]!;
      if (node.kind !== 'operation') return;
      this.places.set(index, place);
      for (const input of node.inputs) this.bufferOf(input)?.uses.push(place);
      const operand = views.has(node.name) ? node.inputs[0]! : undefined;
      const shared = operand === undefined ? undefined : this.bufferOf(operand);
      if (shared !== undefined) this.#buffers.set(index, [shared]);
      else if (operand === undefined) this.#buffers.set(index, node.outputs.map((_, output) => this.#make(nodes, index, output, place))); // prettier-ignore
    });
    for (const ref of outputs) this.bufferOf(ref)?.uses.push(Infinity);
    this.held = new Float64Array(order.length + 1).fill(0);
    for (const { bytes, born, uses } of this.buffers) {
      this.held[born]! += bytes;
      const last = uses.at(-1) ?? born;
      if (last < order.length) this.held[last + 1]! -= bytes;
    }
    for (let place = 1; place < order.length; place++) this.held[place]! += this.held[place - 1]!;
    this.held = this.held.subarray(0, order.length).map((bytes) => bytes + this.fixedBytes);
  }

  /** What a reference lies in; undefined for what is there for a whole run. */
  bufferOf({ node, output }: Ref): Buffer | undefined {
    const found = this.#buffers.get(node);
    return found?.[found.length === 1 ? 0 : output];
  }

  /** Where most is held. */
  get peak(): { place: number; bytes: number } {
    let place = 0;
    this.held.forEach((bytes, i) => {
      if (bytes > this.held[place]!) place = i;
    });
    return { place, bytes: this.held[place] ?? this.fixedBytes };
  }

  #make(nodes: readonly Node[], node: number, output: number, born: number): Buffer {
    const ref = { node, output };
    const buffer = { ref, bytes: bytesOf(signatureOf(nodes, ref)), born, uses: [] };
    this.buffers.push(buffer);
    return buffer;
  }
}

/** Whether memory is needed while the operation at a place runs. */
export function isHeld({ born, uses }: Buffer, place: number): boolean {
  return born <= place && (uses.at(-1) ?? born) >= place;
}
