import { bytesOf, type Node, type OperationNode, type Ref } from './trace.ts';

/** Operations whose result is the memory of their first operand. */
const views = new Set(['ExpandDims', 'Identity', 'Reshape', 'Squeeze']);

/** No place, and no buffer. */
const none = -1;

/** A piece of memory that an operation fills. */
export interface Buffer {
  /** A number of its own, which stays while operations are added. */
  id: number;
  /** The output that it was made for; views of it share it. */
  ref: Ref;
  bytes: number;
  /** Place in the order of the operation that makes it. */
  born: number;
  /** Places of the operations that read it, views included. */
  uses: ArrayLike<number>;
  /** Whether a run returns it. */
  returned: boolean;
}

/**
 * Which memory is needed when, if operations run in a given order and memory is freed after its last use. TensorFlow runs them
 * in about this order, writes some results over operands that are used up, and takes room of its own within operations.
 *
 * A planner looks again after each of its hundreds of steps, so all is kept in numbers by output of all nodes.
 */
export class Lifetimes {
  /** Arguments, variables, other tensors from outside, and numbers of the graph: there for a whole run. */
  readonly fixedBytes: number;
  /** Bytes held while each operation runs, in order. */
  held = new Float64Array();
  /** Where most is held. */
  peak = { place: 0, bytes: 0 };
  readonly #nodes: readonly Node[];
  readonly #returned: readonly Ref[];
  #order: readonly number[] = [];
  /** The number of a node's first output; after the last node, of the one that would come next. */
  readonly #first: number[] = [0];
  /** By output. */
  readonly #bytes: number[] = [];
  /** The node that an output is of. */
  readonly #makers: number[] = [];
  /** By node: the numbers of the outputs that it reads, as long as it is the same node. */
  readonly #inputs: { of: Node; outputs: Int32Array }[] = [];
  /** By node. */
  #places = new Int32Array();
  /** By output: whose memory it is, `none` where it is there for a whole run. */
  #owners = new Int32Array();
  /** By output that has memory: place of the last use, and where its uses begin in the list of all. */
  #last = new Float64Array();
  #uses: { begins: ArrayLike<number>; places: Int32Array } = { begins: [], places: new Int32Array() };

  /**
   * @param nodes may grow, and single ones be replaced, before an {@link update}
   * @param order of operations
   */
  constructor(nodes: readonly Node[], order: readonly number[], outputs: readonly Ref[]) {
    this.#nodes = nodes;
    this.#returned = outputs;
    this.fixedBytes = nodes.reduce((sum, node) => sum + (node.kind === 'operation' ? 0 : bytesOf(node)), 0);
    this.update(order);
  }

  /** Looks again, for another order. */
  update(order: readonly number[]): void {
    this.#order = order;
    this.#number();
    const count = this.#bytes.length;
    this.#places = new Int32Array(this.#nodes.length).fill(none);
    this.#owners = new Int32Array(count).fill(none);
    this.#last = new Float64Array(count);
    const begins = new Int32Array(count + 1);
    for (let place = 0; place < order.length; place++) {
      const index = order[place]!;
      this.#places[index] = place;
      const inputs = this.#inputsOf(index);
      for (let i = 0; i < inputs.length; i++) {
        const owner = this.#owners[inputs[i]!]!;
        if (owner === none) continue;
        this.#last[owner] = place;
        begins[owner + 1]! += 1;
      }
      const first = this.#first[index]!;
      // A view of what is there for a whole run is so, too.
      if (views.has((this.#nodes[index] as OperationNode).name)) this.#owners[first] = this.#owners[inputs[0]!]!;
      else {
        for (let id = first; id < this.#first[index + 1]!; id++) {
          this.#owners[id] = id;
          this.#last[id] = place;
        }
      }
    }
    for (const ref of this.#returned) {
      const owner = this.#ownerOf(ref);
      if (owner !== none) this.#last[owner] = Infinity;
    }
    this.#listUses(begins);
    this.#measure();
  }

  /** Place of a node in the order; undefined for one that is not in it. */
  placeOf(node: number): number | undefined {
    const place = this.#places[node]!;
    return place === none ? undefined : place;
  }

  /** The number of the buffer that a reference lies in; undefined for what is there for a whole run. */
  bufferOf(ref: Ref): number | undefined {
    const owner = this.#ownerOf(ref);
    return owner === none ? undefined : owner;
  }

  /** Whether a buffer is needed while the operation at a place runs. */
  isHeld(buffer: number, place: number): boolean {
    return this.#places[this.#makers[buffer]!]! <= place && this.#last[buffer]! >= place;
  }

  /** What no order can do with less than: the most that one operation reads and makes, beside what is there all along. */
  floorBytes(): number {
    let most = 0;
    for (const index of this.#order) {
      const touched = new Set([...this.#inputsOf(index)].map((output) => this.#owners[output]!));
      for (let id = this.#first[index]!; id < this.#first[index + 1]!; id++) touched.add(this.#owners[id]!);
      const bytes = [...touched].reduce((sum, owner) => sum + (owner === none ? 0 : this.#bytes[owner]!), 0);
      most = Math.max(most, bytes);
    }
    return this.fixedBytes + most;
  }

  /** What is needed while the operation at a place runs, in the order in which it is made. */
  heldAt(place: number): Buffer[] {
    const found: Buffer[] = [];
    for (let born = 0; born <= place && born < this.#order.length; born++) {
      const node = this.#order[born]!;
      const first = this.#first[node]!;
      for (let id = first; id < this.#first[node + 1]!; id++) {
        if (this.#owners[id] !== id || this.#last[id]! < place) continue;
        const uses = this.#uses.places.subarray(this.#uses.begins[id], this.#uses.begins[id + 1]);
        const returned = this.#last[id] === Infinity;
        found.push({ id, ref: { node, output: id - first }, bytes: this.#bytes[id]!, born, uses, returned });
      }
    }
    return found;
  }

  /** Gives numbers to the outputs of nodes that are new. */
  #number(): void {
    for (let index = this.#first.length - 1; index < this.#nodes.length; index++) {
      const node = this.#nodes[index]!;
      for (const output of node.kind === 'operation' ? node.outputs : [node]) {
        this.#bytes.push(bytesOf(output));
        this.#makers.push(index);
      }
      this.#first.push(this.#bytes.length);
    }
  }

  #inputsOf(index: number): Int32Array {
    const node = this.#nodes[index] as OperationNode;
    const known = this.#inputs[index];
    if (known?.of === node) return known.outputs;
    const outputs = Int32Array.from(node.inputs, (ref) => this.#first[ref.node]! + ref.output);
    this.#inputs[index] = { of: node, outputs };
    return outputs;
  }

  #ownerOf({ node, output }: Ref): number {
    return this.#owners[this.#first[node]! + output]!;
  }

  /** @param begins how many uses the buffer before has */
  #listUses(begins: Int32Array): void {
    for (let i = 1; i < begins.length; i++) begins[i]! += begins[i - 1]!;
    const places = new Int32Array(begins.at(-1)!);
    const next = Int32Array.from(begins);
    for (let place = 0; place < this.#order.length; place++) {
      const inputs = this.#inputsOf(this.#order[place]!);
      for (let i = 0; i < inputs.length; i++) {
        const owner = this.#owners[inputs[i]!]!;
        if (owner !== none) places[next[owner]!++] = place;
      }
    }
    this.#uses = { begins, places };
  }

  #measure(): void {
    const count = this.#order.length;
    const changes = new Float64Array(count + 1);
    this.#order.forEach((index, place) => {
      for (let id = this.#first[index]!; id < this.#first[index + 1]!; id++) {
        if (this.#owners[id] !== id) continue;
        changes[place]! += this.#bytes[id]!;
        if (this.#last[id]! < count) changes[this.#last[id]! + 1]! -= this.#bytes[id]!;
      }
    });
    this.held = changes.subarray(0, count);
    let bytes = this.fixedBytes;
    this.peak = { place: 0, bytes: count === 0 ? bytes : 0 };
    for (let place = 0; place < count; place++) {
      this.held[place] = bytes += this.held[place]!;
      if (bytes > this.peak.bytes) this.peak = { place, bytes };
    }
  }
}
