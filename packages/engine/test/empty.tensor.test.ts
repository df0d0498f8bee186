/** Tensors without elements: what NumPy gives for them. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { litter } from './litter.ts';

describe('reductions over no elements', () => {
  const rows = (dtype: 'float32' | 'int32' | 'bool') => tf.zeros<tf.Rank.R2>([3, 0], dtype);

  it.each<[string, () => tf.Tensor, number]>([
    ['prod', () => tf.prod(rows('float32'), 1), 1],
    ['prod of integers', () => tf.prod(rows('int32'), 1), 1],
    ['prod of truth values', () => tf.prod(rows('bool'), 1), 1],
    ['sum', () => tf.sum(rows('float32'), 1), 0],
    ['sum of integers', () => tf.sum(rows('int32'), 1), 0],
    ['mean', () => tf.mean(rows('float32'), 1), NaN],
    ['mean of integers', () => tf.mean(rows('int32'), 1), NaN],
    ['max', () => tf.max(rows('float32'), 1), -Infinity],
    ['max of integers', () => tf.max(rows('int32'), 1), -(2 ** 31)],
    ['min', () => tf.min(rows('float32'), 1), Infinity],
    ['min of integers', () => tf.min(rows('int32'), 1), 2 ** 31 - 1],
    ['all', () => tf.all(rows('bool'), 1), 1],
    ['any', () => tf.any(rows('bool'), 1), 0],
  ])('%s', async (_, reduce, value) => {
    const result = tf.tidy(reduce);
    expect(result.shape).toEqual([3]);
    expect([...(await result.data())]).toEqual([value, value, value]);
    result.dispose();
  });

  it('of all axes, and with axes that are kept or stay empty', async () => {
    const nothing = tf.zeros([0]);
    const product = tf.prod(nothing);
    expect(product.shape).toEqual([]);
    expect([...(await product.data())]).toEqual([1]);
    const blocks = tf.zeros([2, 0, 3]);
    const kept = tf.prod(blocks, [1, 2], true);
    expect(kept.shape).toEqual([2, 1, 1]);
    expect([...(await kept.data())]).toEqual([1, 1]);
    expect(tf.sum(blocks, 0).shape).toEqual([0, 3]);
    const slopes = tf.grad((x) => tf.sum(tf.prod(x, 1)))(rows('float32'));
    expect(slopes.shape).toEqual([3, 0]);
  });
});

describe('convolutions of no images', () => {
  const empty = (...shape: [number, number, number, number]): tf.Tensor4D => tf.zeros(shape);
  let [images, filter, bias] = [] as unknown as [tf.Tensor4D, tf.Tensor4D, tf.Tensor1D];
  beforeAll(() => {
    [images, filter, bias] = [empty(0, 5, 4, 2), tf.ones([3, 3, 2, 6]), tf.ones([6])];
  });

  it.each<[string, number[], () => tf.Tensor]>([
    ['conv2d', [0, 5, 4, 6], () => tf.conv2d(images, filter, 1, 'same')],
    ['valid', [0, 3, 2, 6], () => tf.conv2d(images, filter, 1, 'valid')],
    ['with strides', [0, 3, 2, 6], () => tf.conv2d(images, filter, 2, 'same')],
    ['with padding', [0, 3, 2, 6], () => tf.conv2d(images, filter, 2, 1)],
    ['dilated', [0, 1, 4, 6], () => tf.conv2d(empty(0, 5, 8, 2), filter, 1, 'valid', 'NHWC', 2)],
    [
      'with a bias',
      [0, 5, 4, 6],
      () => tf.fused.conv2d({ x: images, filter, strides: 1, pad: 'same', bias, activation: 'relu' }),
    ],
    ['depthwise', [0, 3, 2, 12], () => tf.depthwiseConv2d(images, filter, 1, 'valid')],
    ['transposed', [0, 10, 8, 2], () => tf.conv2dTranspose(empty(0, 5, 4, 6), filter, [0, 10, 8, 2], 2, 'same')],
    ['conv1d', [0, 4, 3], () => tf.conv1d(tf.zeros<tf.Rank.R3>([0, 4, 2]), tf.ones([3, 2, 3]), 1, 'same')],
    [
      'conv3d',
      [0, 2, 2, 2, 1],
      () => tf.conv3d(tf.zeros<tf.Rank.R5>([0, 4, 4, 4, 2]), tf.ones([3, 3, 3, 2, 1]), 1, 'valid'),
    ],
  ])('%s', async (_, shape, convolve) => {
    const result = tf.tidy(convolve);
    expect(result.shape).toEqual(shape);
    expect(await result.data()).toHaveLength(0);
  });

  it('gradients', async () => {
    const loss = (x: tf.Tensor, w: tf.Tensor) => tf.sum(tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'same'));
    const [dx, dw] = tf.grads(loss)([images, filter]);
    expect(dx!.shape).toEqual([0, 5, 4, 2]);
    expect(dw!.shape).toEqual([3, 3, 2, 6]);
    expect((await dw!.data()).every((value) => value === 0)).toBe(true);
  });
});

describe('convolutions without channels, filters or pixels', () => {
  type Shape4D = [number, number, number, number];
  const zeros4D = (...shape: Shape4D): tf.Tensor4D => tf.zeros(shape);
  const convolve = (x: tf.Tensor, w: tf.Tensor) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 2, 'same');
  const depthwise = (x: tf.Tensor, w: tf.Tensor) => tf.depthwiseConv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'valid');
  const volume = (x: tf.Tensor, w: tf.Tensor) => tf.conv3d(x as tf.Tensor5D, w as tf.Tensor5D, 1, 'same');

  it.each<[string, (x: tf.Tensor, w: tf.Tensor) => tf.Tensor, number[], number[], number[]]>([
    ['conv2d of no channels', convolve, [2, 5, 4, 0], [3, 3, 0, 6], [2, 3, 2, 6]],
    ['conv2d by no filters', convolve, [2, 5, 4, 3], [3, 3, 3, 0], [2, 3, 2, 0]],
    ['depthwise, of no channels', depthwise, [2, 5, 4, 0], [3, 3, 0, 2], [2, 3, 2, 0]],
    ['depthwise, by no filters', depthwise, [2, 5, 4, 3], [3, 3, 3, 0], [2, 3, 2, 0]],
    ['conv3d of no channels', volume, [1, 2, 3, 4, 0], [2, 2, 2, 0, 5], [1, 2, 3, 4, 5]],
    ['conv3d by no filters', volume, [1, 2, 3, 4, 2], [2, 2, 2, 2, 0], [1, 2, 3, 4, 0]],
  ])('%s, and gradients', async (_, f, x, w, shape) => {
    litter();
    const [image, filter] = [tf.ones(x), tf.ones(w)];
    const results = tf.tidy(() => [f(image, filter), ...tf.grads(f)([image, filter], tf.ones(shape))]);
    expect(results.map((tensor) => tensor.shape)).toEqual([shape, x, w]);
    for (const tensor of results) expect([...(await tensor.data())].every((value) => value === 0)).toBe(true);
    tf.dispose([image, filter, ...results]);
  });

  it('fused, with bias and activation', async () => {
    litter();
    const [bias, alpha] = [tf.tensor1d([1, -2, 3]), tf.tensor1d([0.5, 0.5, 0.5])];
    const operands = { x: zeros4D(1, 2, 1, 0), filter: zeros4D(3, 3, 0, 3), strides: 1, pad: 'same' as const, bias };
    const plain = tf.fused.conv2d(operands);
    const relu = tf.fused.conv2d({ ...operands, activation: 'relu' });
    const prelu = tf.fused.conv2d({ ...operands, activation: 'prelu', preluActivationWeights: alpha });
    expect(plain).toBeAllClose([1, -2, 3, 1, -2, 3]);
    expect(relu).toBeAllClose([1, 0, 3, 1, 0, 3]);
    expect(prelu).toBeAllClose([1, -1, 3, 1, -1, 3]);
    expect(relu.shape).toEqual([1, 2, 1, 3]);
    const none = tf.fused.depthwiseConv2d({ ...operands, bias: tf.zeros<tf.Rank.R1>([0]), activation: 'relu' });
    expect(none.shape).toEqual([1, 2, 1, 0]);
    expect(await none.data()).toHaveLength(0);
  });

  it('of padding around no pixels, and transposed', () => {
    litter();
    const pad: tf.backend_util.ExplicitPadding = [[0, 0], [1, 1], [0, 0], [0, 0]]; // prettier-ignore
    const padded = tf.conv2d(zeros4D(1, 0, 3, 2), tf.ones([2, 2, 2, 3]), 1, pad);
    expect(padded.shape).toEqual([1, 1, 2, 3]);
    expect(padded).toBeAllClose(tf.zeros([1, 1, 2, 3]));
    const transposed = tf.conv2dTranspose(zeros4D(1, 2, 2, 0), zeros4D(3, 3, 4, 0), [1, 4, 4, 4], 2, 'same');
    expect(transposed).toBeAllClose(tf.zeros([1, 4, 4, 4]));
  });
});
