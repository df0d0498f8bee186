/** Tensors without elements: what NumPy gives for them. */
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';

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
