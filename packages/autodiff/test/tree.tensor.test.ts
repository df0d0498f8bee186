import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { jvp, treeLeavesLike, vjp, type TensorTree } from '../src/index.ts';

describe('trees whose keys come in another order', () => {
  it('are read in the order of the tree that they belong to', () => {
    const [p, q, r] = [tf.scalar(1), tf.scalar(2), tf.scalar(3)];
    const like: TensorTree = { a: [p, p], b: { c: p } };
    expect(treeLeavesLike({ b: { c: r }, a: [p, q] }, like).map(({ id }) => id)).toEqual([p.id, q.id, r.id]);
  });

  it('are the same cotangents and tangents', () => {
    type Pair = { a: tf.Tensor; b: tf.Tensor };
    const x = tf.scalar(3);
    const split = (y: tf.Tensor): Pair => ({ a: tf.mul(y, 2), b: tf.mul(y, 10) });
    expect(vjp(split, x, { b: tf.scalar(1), a: tf.scalar(0) })).toBeAllClose(10);
    const join = ({ a, b }: Pair) => tf.add(tf.mul(a, 2), tf.mul(b, 10));
    expect(jvp(join, { a: x, b: tf.scalar(5) }, { b: tf.scalar(1), a: tf.scalar(0) })).toBeAllClose(10);
  });
});
