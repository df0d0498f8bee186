import * as tf from '@tensorflow/tfjs-core';
import { composedKernel } from '../../composed-kernel.ts';

/** A tensor and the letters of its axes, by their number in the equation. */
interface Labelled {
  tensor: tf.Tensor;
  axes: number[];
}

/** Einstein sums of one operand or two (tfjs-core allows no more), two of them by one stack of matrix products. */
export const einsum = composedKernel<string, { equation: string }>('wasm', 'Einsum', (inputs, { equation }) => {
  const tensors = Object.values(inputs);
  const { allDims, summedDims, idDims } = tf.backend_util.decodeEinsumEquation(equation, tensors.length);
  tf.backend_util.checkEinsumDimSizes(allDims.length, idDims, tensors);
  // The letters of the result have the lowest numbers, in its order.
  const result = Array.from({ length: allDims.length - summedDims.length }, (_, axis) => axis);
  const [first, second] = tensors.map((tensor, i): Labelled => ({ tensor, axes: idDims[i]! }));
  const product = second === undefined ? first! : contract(first!, second, new Set(result));
  return arrange(sumAway(product, new Set(result)), result);
});

/** The product of two operands, summed over the axes that are not needed. */
function contract(left: Labelled, right: Labelled, needed: Set<number>): Labelled {
  const a = sumAway(left, new Set([...needed, ...right.axes]));
  const b = sumAway(right, new Set([...needed, ...a.axes]));
  const shared = a.axes.filter((axis) => b.axes.includes(axis));
  const stacked = shared.filter((axis) => needed.has(axis));
  const inner = shared.filter((axis) => !needed.has(axis));
  const rows = a.axes.filter((axis) => !shared.includes(axis));
  const columns = b.axes.filter((axis) => !shared.includes(axis));

  const size = (operand: Labelled, axes: number[]) =>
    axes.map((axis) => operand.tensor.shape[operand.axes.indexOf(axis)]!);
  const count = (sizes: number[]) => sizes.reduce((product, length) => product * length, 1);
  const [outer, height, depth, width] = [size(a, stacked), size(a, rows), size(a, inner), size(b, columns)];
  const first = tf.reshape(arrange(a, [...stacked, ...rows, ...inner]), [count(outer), count(height), count(depth)]);
  const second = tf.reshape(arrange(b, [...stacked, ...inner, ...columns]), [count(outer), count(depth), count(width)]);
  return {
    tensor: tf.reshape(tf.matMul(first, second), [...outer, ...height, ...width]),
    axes: [...stacked, ...rows, ...columns],
  };
}

/** The operand without the axes that are not in `keep`. */
function sumAway({ tensor, axes }: Labelled, keep: Set<number>): Labelled {
  const gone = axes.flatMap((axis, position) => (keep.has(axis) ? [] : position));
  if (gone.length === 0) return { tensor, axes };
  return { tensor: tf.sum(tensor, gone), axes: axes.filter((axis) => keep.has(axis)) };
}

/** The operand's axes in the given order. */
function arrange({ tensor, axes }: Labelled, order: number[]): tf.Tensor {
  const permutation = order.map((axis) => axes.indexOf(axis));
  return permutation.every((axis, i) => axis === i) ? tensor : tf.transpose(tensor, permutation);
}
