import { show } from '@missing-u/errors';
import { OnnxError } from '../errors.ts';
import { dimOf, isBatch, type Dim, type Dims } from './dims.ts';
import {
  describePlace,
  type ConstantValue,
  type DataType,
  type Graph,
  type InputValue,
  type Numbers,
  type Place,
  type Step,
  type Value,
} from './graph.ts';
import type { Trace, TracedValue } from './tracer.ts';

/**
 * One graph of two traces of the same function: with two batch sizes, what differs between them tells which lengths grow
 * with the batch; with one, it tells whether the function does the same at every call.
 *
 * @throws OnnxError `ONNX_CALLS_DIFFER`
 */
export async function unify(first: Trace, second: Trace, batches: readonly [number, number]): Promise<Graph> {
  const read = await readConstants([...first.steps, ...second.steps]);
  const values = new Map<TracedValue, Value>();
  const pairs = new Map<TracedValue, TracedValue>();

  const signature = (a: TracedValue, b: TracedValue, place?: Place): { shape: Dims; dtype: DataType } => {
    const shape = a.shape.map((length, i) => dimOf(length, b.shape[i] ?? NaN, batches));
    if (a.shape.length !== b.shape.length || a.dtype !== b.dtype || shape.includes(undefined)) {
      const at = place === undefined ? '' : ` at ${describePlace(place)}`;
      const shapes = `[${a.shape.join(', ')}] with ${images(batches[0])} and [${b.shape.join(', ')}] with ${images(batches[1])}`;
      throw differ(
        `a tensor${at} has the shape ${shapes}, which does not grow with the batch in a way that a file can say`,
      );
    }
    return { shape: shape as Dim[], dtype: a.dtype };
  };

  const unifyValue = (a: TracedValue, b: TracedValue, place: Place): Value => {
    const known = values.get(a);
    if (known !== undefined) {
      if (pairs.get(a) === b || (a.kind === 'constant' && b.kind === 'constant' && sameNumbers(read(a), read(b))))
        return known;
      if (a.kind !== 'constant' || b.kind !== 'constant')
        throw differ(`an operation at ${describePlace(place)} reads another tensor`);
    }
    if (a.kind !== 'constant' || b.kind !== 'constant') {
      throw differ(`an operation at ${describePlace(place)} reads a tensor in one call and a constant in the other`);
    }
    const { shape, dtype } = signature(a, b, place);
    const numbers = joined(read(a), read(b), a.shape, b.shape, shape);
    if (numbers === undefined) {
      throw differ(
        `a constant that is read at ${describePlace(place)} has other values at another call (random numbers, or numbers ` +
          'that depend on the number of images)',
      );
    }
    const value: ConstantValue<Dims> = { kind: 'constant', shape, dtype, numbers };
    values.set(a, value);
    pairs.set(a, b);
    return value;
  };

  const inputs = first.inputs.map((a, i) => {
    const b = second.inputs[i]!;
    const value: InputValue<Dims> = { kind: 'input', name: a.kind === 'input' ? a.name : '', ...signature(a, b) };
    values.set(a, value);
    pairs.set(a, b);
    return value;
  });

  if (first.steps.length !== second.steps.length) {
    throw differ(`it takes ${first.steps.length} operations at one call and ${second.steps.length} at another`);
  }
  const steps = first.steps.map((a, i): Step => {
    const b = second.steps[i]!;
    const { place } = a;
    if (a.kernel !== b.kernel || Object.keys(a.inputs).join() !== Object.keys(b.inputs).join()) {
      throw differ(`it runs ${a.kernel} at ${describePlace(place)} at one call and ${b.kernel} at another`);
    }
    const unifiedInputs = Object.fromEntries(
      Object.entries(a.inputs).map(([key, value]) => [key, unifyValue(value, b.inputs[key]!, place)]),
    );
    const outputs = a.outputs.map((value, j): Value => {
      const unified: Value = { kind: 'computed', ...signature(value, b.outputs[j]!, place) };
      values.set(value, unified);
      pairs.set(value, b.outputs[j]!);
      return unified;
    });
    const attributes = unifyAttributes(a.attributes, b.attributes, batches, a.kernel, place);
    return { kernel: a.kernel, inputs: unifiedInputs, attributes, outputs, place };
  });
  const outputs = first.outputs.map((a, i) => {
    if (pairs.get(a) !== second.outputs[i]) throw differ('it returns the result of another operation');
    return values.get(a)!;
  });
  return { inputs, steps, outputs };
}

/** Attributes of two calls as one; numbers that grow with the batch become lengths. */
function unifyAttributes(
  a: unknown,
  b: unknown,
  batches: readonly [number, number],
  kernel: string,
  place: Place,
): Record<string, unknown> {
  const visit = (x: unknown, y: unknown, name: string): unknown => {
    if (Object.is(x, y)) return x;
    if (Array.isArray(x) && Array.isArray(y) && x.length === y.length)
      return x.map((item, i) => visit(item, y[i], name));
    if (typeof x === 'number' && typeof y === 'number') {
      const dim = dimOf(x, y, batches);
      if (dim !== undefined) return dim;
    }
    if (typeof x === 'object' && x !== null && typeof y === 'object' && y !== null && !Array.isArray(x)) {
      const other = y as Record<string, unknown>;
      return Object.fromEntries(Object.entries(x).map(([key, value]) => [key, visit(value, other[key], key)]));
    }
    throw differ(
      `\`${name}\` of ${kernel} at ${describePlace(place)} is ${show(x)} at one call and ${show(y)} at another`,
    );
  };
  return visit(a, b, 'attributes') as Record<string, unknown>;
}

/** The values of all constants that the steps read. */
async function readConstants(steps: readonly Step<TracedValue>[]): Promise<(value: TracedValue) => Numbers> {
  // Tensors that were cast share their data on some engines, so these are told apart by both.
  const numbers: Record<DataType, Map<object, Numbers>> = { float32: new Map(), int32: new Map(), bool: new Map() };
  for (const { inputs } of steps) {
    for (const value of Object.values(inputs)) {
      if (value.kind !== 'constant') continue;
      const known = numbers[value.dtype];
      // Both traces read the same weights.
      if (known.has(value.tensor.dataId)) continue;
      known.set(value.tensor.dataId, ofType(value.dtype, await value.tensor.data<DataType>()));
    }
  }
  return (value) => numbers[value.dtype].get((value as { tensor: { dataId: object } }).tensor.dataId)!;
}

const arrays = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;

/** Numbers in the array of their type: an engine may keep those of a cast tensor in that of its source. */
function ofType(dtype: DataType, numbers: Numbers): Numbers {
  const wanted = arrays[dtype];
  return numbers instanceof wanted ? numbers : wanted.from(numbers);
}

/** The numbers of a constant; those of one image where its shape grows with the batch and all images have the same. */
function joined(
  a: Numbers,
  b: Numbers,
  shapeA: readonly number[],
  shapeB: readonly number[],
  dims: Dims,
): Numbers | undefined {
  if (!dims.some(isBatch)) return sameNumbers(a, b) ? a : undefined;
  const first = firstAlong(a, shapeA, dims);
  return first !== undefined && sameNumbers(first, firstAlong(b, shapeB, dims)) ? first : undefined;
}

/** What repeats along all growing axes, of length 1 there; undefined if something does not repeat. */
function firstAlong(numbers: Numbers, shape: readonly number[], dims: Dims): Numbers | undefined {
  const kept = shape.map((length, i) => (isBatch(dims[i]!) ? 1 : length));
  const result: Numbers = numbers.slice(
    0,
    kept.reduce((x, y) => x * y, 1),
  );
  const index = shape.map(() => 0);
  for (let i = 0; i < numbers.length; i++) {
    let at = 0;
    let isFirst = true;
    index.forEach((position, axis) => {
      const growing = isBatch(dims[axis]!);
      at = at * kept[axis]! + (growing ? 0 : position);
      if (growing && position > 0) isFirst = false;
    });
    if (isFirst) result[at] = numbers[i]!;
    else if (!Object.is(result[at], numbers[i])) return undefined;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      if (++index[axis]! < shape[axis]!) break;
      index[axis] = 0;
    }
  }
  return result;
}

function sameNumbers(a: Numbers, b: Numbers | undefined): boolean {
  if (a === b) return true;
  if (b === undefined || a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i] && !Object.is(a[i], b[i])) return false;
  return true;
}

function images(count: number): string {
  return count === 1 ? '1 image' : `${count} images`;
}

function differ(what: string): OnnxError {
  return new OnnxError(
    'ONNX_CALLS_DIFFER',
    `Two calls of the function do not do the same: ${what}. A file can hold only what is the same at every call; draw random ` +
      'numbers outside of the function, and take lengths from `shape`.',
  );
}
