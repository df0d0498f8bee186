/** A length that grows with the batch: `times` numbers per image. */
export interface Batch {
  readonly times: number;
}

/** One length of a shape: a number, or a multiple of the batch. */
export type Dim = number | Batch;

export type Dims = readonly Dim[];

export function isBatch(dim: Dim): dim is Batch {
  return typeof dim !== 'number';
}

/** A length from its values at two batch sizes; undefined where it is no multiple of the batch. */
export function dimOf(first: number, second: number, batches: readonly [number, number]): Dim | undefined {
  if (first === second) return first;
  const times = (second - first) / (batches[1] - batches[0]);
  return Number.isInteger(times) && times * batches[0] === first ? { times } : undefined;
}

export function sameDim(a: Dim, b: Dim): boolean {
  return isBatch(a) ? isBatch(b) && a.times === b.times : a === b;
}

export function sameDims(a: Dims, b: Dims): boolean {
  return a.length === b.length && a.every((dim, i) => sameDim(dim, b[i]!));
}

/** A product of lengths: a number times a power of the batch. */
export interface Size {
  count: number;
  power: number;
}

export function times({ count, power }: Size, dim: Dim): Size {
  return isBatch(dim) ? { count: count * dim.times, power: power + 1 } : { count: count * dim, power };
}

export function sizeOf(dims: Dims): Size {
  return dims.reduce(times, { count: 1, power: 0 });
}

/** How large a tensor is about, to weigh copies against each other. */
export function weightOf(dims: Dims): number {
  const { count, power } = sizeOf(dims);
  return count * 4 ** power;
}
