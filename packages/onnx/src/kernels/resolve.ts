import type { Attributes } from '../trace/graph.ts';
import { list, type Signatures } from './rule.ts';

/** An axis as it is counted from the front. */
export function axisOf(given: unknown, rank: number): number {
  const axis = given as number;
  return axis < 0 ? axis + rank : axis;
}

/** The axis of a kernel, counted from the front of its input of this name. */
export function axisOfInput(key: string) {
  return (inputs: Signatures, attributes: Attributes): Attributes => ({
    ...attributes,
    axis: axisOf(attributes['axis'] ?? 0, inputs[key]!.shape.length),
  });
}

/** The axis of a kernel that takes a list; `more` axes than its inputs has what it gives. */
export function axisOfList(more: 0 | 1) {
  return (inputs: Signatures, attributes: Attributes): Attributes => ({
    ...attributes,
    axis: axisOf(attributes['axis'] ?? 0, list(inputs)[0]!.shape.length + more),
  });
}

/** Axes to reverse, one or a list. */
export function reversedAxes({ x }: Signatures, attributes: Attributes): Attributes {
  const { dims } = attributes;
  const axes = Array.isArray(dims) ? (dims as number[]) : [dims as number];
  return { ...attributes, dims: axes.map((axis) => axisOf(axis, x!.shape.length)) };
}

/** Beginnings and sizes of a slice along all axes: what is left out begins at 0, and -1 is the rest of an axis. */
export function slicedAxes({ x }: Signatures, attributes: Attributes): Attributes {
  const listed = (value: unknown) => (Array.isArray(value) ? (value as number[]) : [(value ?? undefined) as number]);
  const [begins, sizes] = [listed(attributes['begin']), listed(attributes['size'])];
  const begin = x!.shape.map((_, axis) => begins[axis] ?? 0);
  const size = x!.shape.map((length, axis) => {
    const given = sizes[axis] ?? -1;
    return given === -1 ? length - begin[axis]! : given;
  });
  return { ...attributes, begin, size };
}
