import { isBatch, times, type Dims, type Size } from '../trace/dims.ts';

/**
 * In which order the axes of a tensor lie in memory: place i holds axis `layout[i]`. TensorFlow.js has images channels last;
 * ONNX wants them channels first, which is [0, 3, 1, 2]. Transposing a tensor changes its layout and costs nothing; only an
 * operator that needs another layout than the tensor has copies it.
 */
export type Layout = readonly number[];

export const channelsFirst: Layout = [0, 3, 1, 2];

export function plain(rank: number): Layout {
  return Array.from({ length: rank }, (_, i) => i);
}

export function sameLayout(a: Layout, b: Layout): boolean {
  return a.length === b.length && a.every((axis, i) => axis === b[i]);
}

/** The lengths in the order of a layout. */
export function arrange<T>(items: readonly T[], layout: Layout): T[] {
  return layout.map((axis) => items[axis]!);
}

/** What `Transpose` has to be told to bring a tensor from one layout to another. */
export function between(from: Layout, to: Layout): number[] {
  return to.map((axis) => from.indexOf(axis));
}

/** Whether two layouts of these lengths are the same bytes, because only axes of length 1 change their places. */
export function sameBytes(a: Layout, b: Layout, dims: Dims): boolean {
  const long = (layout: Layout) => layout.filter((axis) => dims[axis] !== 1);
  return sameLayout(long(a), long(b));
}

/** Axes that belong together when a tensor of one shape is seen with another: their lengths have the same product. */
interface Group {
  from: number[];
  to: number[];
}

/** The smallest groups of axes of two shapes of the same size; undefined where lengths that are not known prevent it. */
function groups(from: Dims, to: Dims): Group[] | undefined {
  const result: Group[] = [];
  let [i, j] = [0, 0];
  // Axes of length 1 can be anywhere, so they are left out of the comparison.
  const skip = (dims: Dims, at: number) => {
    while (at < dims.length && dims[at] === 1) at++;
    return at;
  };
  for (;;) {
    [i, j] = [skip(from, i), skip(to, j)];
    if (i === from.length && j === to.length) return result;
    if (i === from.length || j === to.length) return undefined;
    const group: Group = { from: [i], to: [j] };
    let a = times({ count: 1, power: 0 }, from[i++]!);
    let b = times({ count: 1, power: 0 }, to[j++]!);
    while (a.count !== b.count || a.power !== b.power) {
      const growA = a.power < b.power || (a.power === b.power && a.count < b.count);
      // Where one is longer in the number and the other in the batch, the rest of both belongs to one group.
      if (growA ? i < from.length : j < to.length) {
        if (growA) [a, i] = take(group.from, from, i, a);
        else [b, j] = take(group.to, to, j, b);
      } else if (i < from.length) [a, i] = take(group.from, from, i, a);
      else if (j < to.length) [b, j] = take(group.to, to, j, b);
      else return undefined;
    }
    result.push(group);
  }
}

function take(axes: number[], dims: Dims, at: number, size: Size): [Size, number] {
  if (dims[at] !== 1) axes.push(at);
  return [times(size, dims[at]!), at + 1];
}

/**
 * The layout of a reshaped tensor whose bytes stay where they are, or undefined where they cannot: axes that become one have
 * to lie side by side, in order.
 */
export function reshapedLayout(from: Dims, layout: Layout, to: Dims): Layout | undefined {
  const found = groups(from, to);
  if (found === undefined) return undefined;
  const long = layout.filter((axis) => from[axis] !== 1);
  const result: number[] = [];
  for (let at = 0; at < long.length;) {
    const group = found.find((candidate) => candidate.from[0] === long[at]);
    if (group === undefined || !group.from.every((axis, i) => long[at + i] === axis)) return undefined;
    result.push(...group.to);
    at += group.from.length;
  }
  return withShortAxes(result, to);
}

/** A layout of the tensor before that reshaping turns into (about) the wanted one. */
export function layoutBefore(from: Dims, to: Dims, wanted: Layout): Layout {
  const found = groups(from, to);
  if (found === undefined) return plain(from.length);
  const order = wanted.filter((axis) => to[axis] !== 1);
  const sorted = [...found].sort((a, b) => order.indexOf(a.to[0]!) - order.indexOf(b.to[0]!));
  const result = withShortAxes(
    sorted.flatMap((group) => group.from),
    from,
  );
  const after = reshapedLayout(from, result, to);
  return after !== undefined && sameBytes(after, wanted, to) ? result : plain(from.length);
}

/** Puts the axes of length 1 back: each behind the axis before it. */
function withShortAxes(layout: readonly number[], dims: Dims): Layout {
  const result = [...layout];
  dims.forEach((dim, axis) => {
    if (dim !== 1) return;
    result.splice(axis === 0 ? 0 : result.indexOf(axis - 1) + 1, 0, axis);
  });
  return result;
}

/** A shape as `Reshape` takes it, if it can be constant: at most one length grows, and is worked out there. */
export function constantShape(dims: Dims): number[] | undefined {
  return dims.filter(isBatch).length > 1 ? undefined : dims.map((dim) => (isBatch(dim) ? -1 : dim));
}
