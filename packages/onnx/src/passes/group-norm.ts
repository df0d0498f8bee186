import { isBatch } from '../trace/dims.ts';
import type { Graph, Step, Value } from '../trace/graph.ts';
import { link, madeBy, type Links } from './readers.ts';

/**
 * Finds group normalisations, which consist of a dozen kernels in TensorFlow.js, by their form:
 * (x - mean) · (1/√(variance + ε) · scale) + shift, with means over the pixels (a pooling) and over the channels of a group
 * (a product with a matrix of equal numbers). They become one kernel, which ONNX has operators for.
 */
export function findGroupNorms(graph: Graph): Graph {
  const links = link(graph);
  const steps = graph.steps.map((step) => groupNorm(step, links) ?? step);
  return { ...graph, steps };
}

function groupNorm(sum: Step, links: Links): Step | undefined {
  for (const [product, shift] of pairs(sum, 'Add')) {
    const scaled = madeBy('Multiply', product, links);
    if (scaled === undefined) continue;
    for (const [centred, factor] of pairs(scaled, 'Multiply')) {
      const difference = madeBy('Sub', centred, links);
      const factors = madeBy('Multiply', factor, links);
      if (difference === undefined || factors === undefined) continue;
      for (const [inverse, scale] of pairs(factors, 'Multiply')) {
        const epsilon = inverseDeviation(inverse, centred, links);
        const x = difference.inputs['a']!;
        const groups = groupsOfMeans(difference.inputs['b'], x, links);
        if (epsilon === undefined || groups === undefined || epsilon.groups !== groups) continue;
        if (![scale, shift].every((value) => isPerImage(value, x))) continue;
        const attributes = { groups, epsilon: epsilon.value };
        return { ...sum, kernel: 'GroupNorm', inputs: { x, scale, shift }, attributes };
      }
    }
  }
  return undefined;
}

/** Both orders of the inputs of a kernel that may have them in either. */
function pairs(step: Step, kernel: string): [Value, Value][] {
  const { a, b } = step.inputs;
  return step.kernel === kernel && a !== undefined && b !== undefined ? [[a, b], [b, a]] : []; // prettier-ignore
}

/** ε and the groups where a value is 1/√(mean of the squares + ε). */
function inverseDeviation(value: Value, centred: Value, links: Links): { value: number; groups: number } | undefined {
  const root = madeBy('Rsqrt', value, links);
  const sum = madeBy('Add', root?.inputs['x'], links);
  if (sum === undefined) return undefined;
  for (const [variance, epsilon] of pairs(sum, 'Add')) {
    if (epsilon.kind !== 'constant' || epsilon.numbers.length !== 1) continue;
    const squares = squaresOf(centred, links);
    const found = squares
      .map((square) => groupsOfMeans(variance, square, links))
      .find((groups) => groups !== undefined);
    if (found !== undefined) return { value: epsilon.numbers[0]!, groups: found };
  }
  return undefined;
}

function squaresOf(value: Value, { readers }: Links): Value[] {
  const steps = (readers.get(value) ?? []).filter(
    ({ kernel, inputs }) => kernel === 'Square' || (kernel === 'Multiply' && inputs['a'] === inputs['b']),
  );
  return steps.map(({ outputs }) => outputs[0]!);
}

/** The number of groups where a value is the means of an image over the pixels and channels of a group. */
function groupsOfMeans(means: Value | undefined, image: Value, links: Links): number | undefined {
  const [, , , channels] = image.shape;
  if (means === undefined || image.shape.length !== 4 || typeof channels !== 'number') return undefined;
  if (isPixelMean(means, image, links)) return channels;
  const product = madeBy('BatchMatMul', madeBy('Reshape', means, links)?.inputs['x'], links);
  const rows = madeBy('Reshape', product?.inputs['a'], links);
  const matrix = product?.inputs['b'];
  if (rows === undefined || matrix?.kind !== 'constant' || !isPixelMean(rows.inputs['x'], image, links))
    return undefined;
  const size = matrix.shape.at(-1) as number;
  const isMean = matrix.shape.at(-2) === size && matrix.numbers.every((number) => number === Math.fround(1 / size));
  return isMean && rows.outputs[0]!.shape.at(-1) === size && channels % size === 0 ? channels / size : undefined;
}

function isPixelMean(value: Value | undefined, image: Value, links: Links): boolean {
  const pooling = madeBy('AvgPool', value, links);
  const [, height, width] = image.shape;
  return (
    pooling?.inputs['x'] === image &&
    value!.shape[1] === 1 &&
    value!.shape[2] === 1 &&
    sameWindow(pooling, [height, width])
  );
}

function sameWindow({ attributes }: Step, lengths: readonly unknown[]): boolean {
  const size = attributes['filterSize'];
  const [height, width] = Array.isArray(size) ? (size as number[]) : [size, size];
  return height === lengths[0] && width === lengths[1] && attributes['pad'] === 'valid';
}

/** [1 or images, 1, 1, channels]. */
function isPerImage({ shape }: Value, x: Value): boolean {
  const [images, height, width, channels] = shape;
  const each = images === 1 || images === x.shape[0] || (isBatch(images!) && images.times === 1);
  return shape.length === 4 && each && height === 1 && width === 1 && channels === x.shape[3];
}
