import type { Attribute, ElementType, Initializer, Node } from '../model/model.ts';
import { isBatch, sameDims, weightOf, type Dim, type Dims } from '../trace/dims.ts';
import type { Numbers, Place, Value } from '../trace/graph.ts';
import {
  arrange,
  between,
  constantShape,
  layoutBefore,
  plain,
  reshapedLayout,
  sameBytes,
  sameLayout,
  type Layout,
} from './layout.ts';

/** A tensor of the file: the name of what an operator gives, and how the traced tensor lies in it. */
interface Stored {
  name: string;
  layout: Layout;
}

/** Writes the operators of a graph, and keeps account of how each traced tensor lies in memory. */
export class Emitter {
  readonly nodes: Node[] = [];
  readonly initializers: Initializer[] = [];
  /** What has been written of each traced tensor, as it was made first. */
  readonly #stored = new Map<Value, Stored[]>();
  /** Names of constants by their content. */
  readonly #constants = new Map<string, { name: string; bytes: Uint8Array }[]>();
  readonly #names = new Map<string, number>();
  #tensors = 0;
  #constantNames = 0;
  #place: Place | undefined;
  #batch: string | undefined;

  /**
   * @param wanted the layout that the readers of a tensor would like
   * @param batchOf the input whose first length is the batch
   * @param taken names of inputs
   */
  constructor(
    private readonly wanted: (value: Value) => Layout | undefined,
    private readonly batchOf: string,
    private readonly taken: ReadonlySet<string>,
  ) {}

  /** Operators that follow carry this place in their names. */
  at(place: Place): void {
    this.#place = place;
  }

  // OPERATORS

  /** One operator with one output. */
  operator(operator: string, inputs: readonly string[], attributes: Readonly<Record<string, Attribute>> = {}): string {
    return this.operators(operator, inputs, attributes, 1)[0]!;
  }

  /** One operator with several outputs. */
  operators(
    operator: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>>,
    count: number,
  ): string[] {
    const name = this.#unique(operator);
    // Short, as they are written again and again; operators have names to be found by.
    const outputs = Array.from({ length: count }, () => this.#free(() => `t${this.#tensors++}`));
    this.nodes.push({ operator, name, inputs, outputs, attributes });
    return outputs;
  }

  /** The first of these names that no input has. */
  #free(next: () => string): string {
    let name = next();
    while (this.taken.has(name)) name = next();
    return name;
  }

  #unique(operator: string): string {
    const module = this.#place?.module ?? '';
    const base = module === '' ? operator : `${module}/${operator}`;
    const count = this.#names.get(base) ?? 0;
    this.#names.set(base, count + 1);
    return count === 0 ? base : `${base}_${count}`;
  }

  // CONSTANTS

  /** A constant; the same numbers are written once. */
  constant(numbers: Numbers | BigInt64Array, dims: readonly number[], type: ElementType): string {
    const bytes = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
    const key = `${type} ${dims.join()} ${fingerprint(bytes)}`;
    const similar = this.#constants.get(key) ?? [];
    const same = similar.find((candidate) => equalBytes(candidate.bytes, bytes));
    if (same !== undefined) return same.name;
    const name = this.#free(() => `c${this.#constantNames++}`);
    this.#constants.set(key, [...similar, { name, bytes }]);
    this.initializers.push({ name, dims, type, bytes });
    return name;
  }

  /** A float32 scalar. */
  scalar(value: number): string {
    return this.constant(Float32Array.of(value), [], 'float32');
  }

  /** A list of integers, as shapes and axes are given. */
  integers(values: readonly number[]): string {
    return this.constant(BigInt64Array.from(values, BigInt), [values.length], 'int64');
  }

  /** A shape, worked out at run time where lengths grow. */
  shape(dims: Dims): string {
    if (!dims.some(isBatch)) return this.integers(dims as number[]);
    const parts = dims.map((dim) => {
      if (!isBatch(dim)) return this.integers([dim]);
      const batch = this.#batchLength();
      return dim.times === 1 ? batch : this.operator('Mul', [batch, this.integers([dim.times])]);
    });
    return parts.length === 1 ? parts[0]! : this.operator('Concat', parts, { axis: 0 });
  }

  #batchLength(): string {
    this.#batch ??= this.operator('Slice', [
      this.operator('Shape', [this.batchOf]),
      this.integers([0]),
      this.integers([1]),
    ]);
    return this.#batch;
  }

  // TRACED TENSORS

  /** Says that a tensor of the file is a traced tensor, in this layout. */
  define(value: Value, name: string, layout: Layout = plain(value.shape.length)): void {
    const stored = this.#stored.get(value);
    if (stored === undefined) this.#stored.set(value, [{ name, layout }]);
    else stored.push({ name, layout });
  }

  /** The layout in which a traced tensor was made. */
  layoutOf(value: Value): Layout {
    return this.#stored.get(value)?.[0]!.layout ?? plain(value.shape.length);
  }

  /** A traced tensor in a layout, copied to it if need be. */
  read(value: Value, layout: Layout = plain(value.shape.length)): string {
    const known = this.#stored.get(value) ?? [];
    const found = known.find((stored) => sameLayout(stored.layout, layout));
    if (found !== undefined) return found.name;
    const name =
      value.kind === 'constant' ? this.#readConstant(value, layout) : this.#rearranged(value, known[0]!, layout);
    this.define(value, name, layout);
    return name;
  }

  #rearranged(value: Value, { name, layout: from }: Stored, to: Layout): string {
    if (sameBytes(from, to, value.shape))
      return this.reshape(name, arrange(value.shape, from), arrange(value.shape, to));
    return this.operator('Transpose', [name], { perm: between(from, to) });
  }

  #readConstant(value: Value & { kind: 'constant' }, layout: Layout): string {
    const own = value.shape.map((dim) => (isBatch(dim) ? 1 : dim));
    const name = this.constant(transposed(value.numbers, own, layout), arrange(own, layout), value.dtype);
    if (!value.shape.some(isBatch)) return name;
    return this.operator('Expand', [name, this.shape(arrange(value.shape, layout))]);
  }

  /** Whether reading a tensor in this layout would move its bytes. */
  copies(value: Value, layout: Layout): boolean {
    return value.kind !== 'constant' && !sameBytes(this.layoutOf(value), layout, value.shape);
  }

  /** A tensor for an operator that broadcasts, in the layout of a result of rank `layout.length`. */
  readBroadcast(value: Value, layout: Layout): string {
    const rank = layout.length;
    const { shape } = value;
    if (shape.length === rank) return this.read(value, layout);
    const missing = rank - shape.length;
    // Axes in front are added by broadcasting itself.
    const own = layout.filter((axis) => axis >= missing).map((axis) => axis - missing);
    const ahead = layout.slice(0, missing).every((axis) => axis < missing);
    if (ahead || shape.every((dim) => dim === 1))
      return this.read(value, shape.every((dim) => dim === 1) ? plain(shape.length) : own);
    const full: Dim[] = [...new Array<Dim>(missing).fill(1), ...shape];
    if (value.kind === 'constant' && !shape.some(isBatch)) {
      const numbers = transposed(value.numbers, shape as number[], own);
      return this.constant(numbers, arrange(full, layout) as number[], value.dtype);
    }
    return this.reshape(this.read(value, own), arrange(shape, own), arrange(full, layout));
  }

  /** Reshapes a tensor of the file. */
  reshape(name: string, from: Dims, to: Dims): string {
    if (sameDims(from, to)) return name;
    const constant = constantShape(to);
    return this.operator('Reshape', [name, constant === undefined ? this.shape(to) : this.integers(constant)]);
  }

  /** A traced tensor with another shape: where its bytes can stay in their places, they do. */
  reshaped(value: Value, target: Value): void {
    const from = value.shape;
    const to = target.shape;
    let layout = this.layoutOf(value);
    let after = reshapedLayout(from, layout, to);
    if (after === undefined) {
      layout = layoutBefore(from, to, this.wanted(target) ?? plain(to.length));
      after = reshapedLayout(from, layout, to);
      if (after === undefined) [layout, after] = [plain(from.length), plain(to.length)];
    }
    // Axes of length 1 can be put anywhere at once.
    const wanted = this.wanted(target);
    if (wanted !== undefined && sameBytes(after, wanted, to)) after = wanted;
    this.define(target, this.reshape(this.read(value, layout), arrange(from, layout), arrange(to, after)), after);
  }

  /** The layout for an operator that works number by number: the one that copies least. */
  commonLayout(values: readonly Value[], result: Value): Layout {
    const rank = result.shape.length;
    const whole = values.filter((value) => value.kind !== 'constant' && value.shape.length === rank);
    const candidates = whole.map((value) => this.layoutOf(value));
    const wanted = this.wanted(result);
    if (wanted !== undefined) candidates.push(wanted);
    let best = plain(rank);
    let least = Infinity;
    for (const layout of candidates) {
      const moved = whole.reduce((sum, value) => sum + (this.copies(value, layout) ? weightOf(value.shape) : 0), 0);
      const after = wanted !== undefined && !sameBytes(layout, wanted, result.shape) ? weightOf(result.shape) : 0;
      if (moved + after < least) [best, least] = [layout, moved + after];
    }
    return best;
  }
}

/** A copy of numbers with the axes in another order. */
export function transposed(numbers: Numbers, dims: readonly number[], layout: Layout): Numbers {
  if (sameBytes(plain(dims.length), layout, dims)) return numbers;
  const result = numbers.slice();
  const strides = dims.map((_, i) => dims.slice(i + 1).reduce((a, b) => a * b, 1));
  const lengths = arrange(dims, layout);
  const steps = arrange(strides, layout);
  const rank = lengths.length;
  const inner = lengths[rank - 1]!;
  const innerStep = steps[rank - 1]!;
  const index = new Array<number>(rank).fill(0);
  for (let at = 0, from = 0; at < result.length; at += inner) {
    for (let i = 0; i < inner; i++) result[at + i] = numbers[from + i * innerStep]!;
    for (let axis = rank - 2; axis >= 0; axis--) {
      from += steps[axis]!;
      if (++index[axis]! < lengths[axis]!) break;
      from -= index[axis]! * steps[axis]!;
      index[axis] = 0;
    }
  }
  return result;
}

/** A few of the bytes, to find equal constants among many. */
function fingerprint(bytes: Uint8Array): string {
  const step = Math.max(1, Math.floor(bytes.length / 16));
  let text = '';
  for (let i = 0; i < bytes.length; i += step) text += String.fromCharCode(bytes[i]!);
  return text;
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a === b) return true;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return a.length === b.length;
}
