import * as tf from '@tensorflow/tfjs-core';
import { show } from '@missing-u/errors';
import { EngineError } from './errors.ts';

/** One thing to compute and what comes out, by hand or by identities that hold for all numbers. */
interface Check {
  name: string;
  compute: () => tf.Tensor;
  expected: readonly number[];
}

const image = () => tf.tensor4d([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 3, 3, 1]);
const filter = () => tf.tensor4d([1, 2, 3, 4], [2, 2, 1, 1]);
const matrix = () => tf.tensor2d([1, 2, 3, 4], [2, 2]);

/** The sum of a convolution with a filter of 2x2 over 3x3 pixels. */
const convolution = (x: tf.Tensor, w: tf.Tensor) => tf.sum(tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'valid'));

const checks: readonly Check[] = [
  {
    name: 'matMul',
    compute: () => tf.matMul(matrix(), tf.tensor2d([5, 6, 7, 8], [2, 2]), true),
    expected: [26, 30, 38, 44],
  },
  {
    name: 'conv2d',
    compute: () => tf.conv2d(image(), filter(), 1, 'valid'),
    expected: [37, 47, 67, 77],
  },
  {
    name: 'the gradient of conv2d by its input',
    compute: () => tf.grads(convolution)([image(), filter()])[0]!,
    expected: [1, 3, 2, 4, 10, 6, 3, 7, 4],
  },
  {
    name: 'the gradient of conv2d by its filter',
    compute: () => tf.grads(convolution)([image(), filter()])[1]!,
    expected: [12, 16, 24, 28],
  },
  {
    name: 'conv2dTranspose',
    compute: () => tf.conv2dTranspose(tf.tensor4d([1, 2, 3, 4], [1, 2, 2, 1]), filter(), [1, 4, 4, 1], 2, 'valid'),
    expected: [1, 2, 2, 4, 3, 4, 6, 8, 3, 6, 4, 8, 9, 12, 12, 16],
  },
  {
    name: 'the gradient of gather',
    compute: () => tf.grad((x) => tf.sum(tf.gather(x, tf.tensor1d([1, 1, 0], 'int32'))))(matrix()),
    expected: [1, 1, 2, 2],
  },
  {
    name: 'mean and its gradient',
    compute: () => tf.grad((x) => tf.sum(tf.square(tf.mean(x, 0))))(matrix()),
    expected: [2, 3, 2, 3],
  },
  {
    name: 'softmax',
    compute: () => tf.softmax(tf.tensor1d([0, Math.log(2), Math.log(5)])),
    expected: [0.125, 0.25, 0.625],
  },
  {
    name: 'sigmoid and its gradient',
    compute: () => tf.grad((x) => tf.sum(tf.sigmoid(x)))(tf.tensor1d([0, Math.log(3)])),
    expected: [0.25, 0.1875],
  },
  {
    name: 'the gradient of maxPool',
    compute: () => tf.grad((x) => tf.sum(tf.maxPool(x as tf.Tensor4D, 2, 1, 'valid')))(tf.neg(image())),
    expected: [1, 1, 0, 1, 1, 0, 0, 0, 0],
  },
  {
    name: 'the gradient of resizeNearestNeighbor',
    compute: () => {
      const batch = tf.tensor4d([1, 2], [2, 1, 1, 1]);
      const dy = tf.tensor4d([1, 2, 3, 4, 5, 6, 7, 8], [2, 2, 2, 1]);
      return tf.grad((x) => tf.image.resizeNearestNeighbor(x as tf.Tensor4D, [2, 2]))(batch, dy);
    },
    expected: [10, 26],
  },
];

/**
 * Computes a few operations and gradients with known results on the engine that runs, so that a broken driver is an error at
 * the start and not a wrong picture later.
 *
 * @throws EngineError `ENGINE_WRONG_RESULTS`, naming the operation, what came out and what should have
 */
export async function verifyEngine(): Promise<void> {
  for (const { name, compute, expected } of checks) {
    const result = tf.tidy(compute);
    let actual: Float32Array;
    try {
      actual = (await result.data()) as Float32Array;
    } finally {
      result.dispose();
    }
    const close = (value: number, i: number) =>
      Math.abs(value - expected[i]!) <= 1e-3 * Math.max(1, Math.abs(expected[i]!));
    if (actual.length !== expected.length || !actual.every(close)) {
      const message = `The engine '${tf.getBackend()}' computes ${name} wrongly: ${show(actual)} instead of ${show(expected)}. Its driver or installation is broken; choose another engine.`;
      throw new EngineError('ENGINE_WRONG_RESULTS', message);
    }
  }
}
