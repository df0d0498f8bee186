import * as tf from '@tensorflow/tfjs-core';
import { composedKernel, runBuiltIn } from '../../composed-kernel.ts';
import type { HeapBackend } from '../heap.ts';

/** From this many multiplications per matrix on, XNNPACK earns what it costs to start it. */
const worthwhile = 2 ** 14;

/** Up to here a loop in JavaScript is done before XNNPACK has laid out the second matrix. */
const tiny = 2 ** 13;

/**
 * Matrix products of any kind by the one fast path of this engine: a single product of two untransposed matrices. The
 * built-in kernel takes plain loops for transposed or stacked matrices, 10 to 30 times slower; that hits the gradients of
 * every dense layer and all attention.
 *
 * @param builtIn the kernel that is replaced
 */
export function batchMatMul(builtIn: tf.KernelConfig): tf.KernelConfig {
  const multiply = (a: tf.Tensor, b: tf.Tensor): tf.Tensor =>
    runBuiltIn(builtIn, { a, b }, { transposeA: false, transposeB: false });
  const composed = composedKernel<'a' | 'b', { transposeA: boolean; transposeB: boolean }>(
    'wasm',
    'BatchMatMul',
    ({ a, b }, { transposeA, transposeB }) => {
      const left = transposeA ? swapLastTwo(a) : a;
      const right = transposeB ? swapLastTwo(b) : b;
      const [rows, inner] = left.shape.slice(-2) as [number, number];
      const columns = right.shape.at(-1)!;
      const [outerLeft, outerRight] = [left.shape.slice(0, -2), right.shape.slice(0, -2)];
      const outer = tf.broadcast_util.assertAndGetBroadcastShape(outerLeft, outerRight);
      const count = tf.util.sizeFromShape(outer);
      if (count <= 1 || rows * inner * columns < worthwhile) return multiply(left, right);

      const shape = [...outer, rows, columns];
      if (tf.util.sizeFromShape(outerRight) === 1) {
        const stacked = multiply(tf.reshape(left, [count * rows, inner]), tf.reshape(right, [inner, columns]));
        return tf.reshape(stacked, shape);
      }
      const lefts = matrices(left, outer);
      const rights = matrices(right, outer);
      return tf.reshape(tf.stack(lefts.map((matrix, i) => multiply(matrix, rights[i]!))), shape);
    },
  );
  return { ...composed, kernelFunc: (args) => tinyProduct(args) ?? composed.kernelFunc(args) };
}

/** The product of two small, plain matrices; undefined for others. Group norms are full of them. */
function tinyProduct({ inputs, attrs, backend }: Parameters<tf.KernelFunc>[0]): tf.TensorInfo | undefined {
  const [a, b] = [inputs['a']!, inputs['b']!];
  const [rows, inner] = a.shape as [number, number];
  const columns = b.shape[1]!;
  const plain = a.shape.length === 2 && b.shape.length === 2 && a.dtype === 'float32' && b.dtype === 'float32';
  if (!plain || attrs!['transposeA'] === true || attrs!['transposeB'] === true) return undefined;
  if (rows * inner * columns > tiny) return undefined;
  const heap = backend as HeapBackend;
  const out = heap.makeOutput([rows, columns], 'float32');
  const [left, right, product] = [a, b, out].map((tensor) => heap.typedArrayFromHeap(tensor));
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      let sum = 0;
      for (let i = 0; i < inner; i++) sum += left![row * inner + i]! * right![i * columns + column]!;
      product![row * columns + column] = sum;
    }
  }
  return out;
}

function swapLastTwo(x: tf.Tensor): tf.Tensor {
  const axes = x.shape.map((_, axis) => axis);
  return tf.transpose(x, [...axes.slice(0, -2), x.rank - 1, x.rank - 2]);
}

/** The matrices of a stack, broadcast to `outer`, one by one. */
function matrices(x: tf.Tensor, outer: number[]): tf.Tensor[] {
  const inner = x.shape.slice(-2);
  const shape = [...outer, ...inner];
  const whole = tf.util.arraysEqual(x.shape, shape) ? x : tf.broadcastTo(x, shape);
  return tf.unstack(tf.reshape(whole, [tf.util.sizeFromShape(outer), ...inner]));
}
