import * as tf from '@tensorflow/tfjs-core';
import { composedKernel, runBuiltIn } from '../../composed-kernel.ts';

/** From this many multiplications per matrix on, XNNPACK earns what it costs to start it. */
const worthwhile = 2 ** 14;

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
  return composedKernel<'a' | 'b', { transposeA: boolean; transposeB: boolean }>(
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
