/** The other kernels that engines get from this package, against those of tfjs' own cpu backend: forward and gradient. */
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectSame, startAll, withGradients } from './engines.ts';

beforeAll(startAll);

afterAll(async () => {
  await tf.setBackend('cpu');
});

describe('embeddings', () => {
  it('gather has a gradient, also for rows taken twice', async () => {
    await expectSame(
      [[5, 3]],
      withGradients((table) => tf.gather(table, tf.tensor1d([4, 0, 4, 2], 'int32'))),
    );
  });

  it('gather counts axes from the last one, too', async () => {
    const ids = [
      [2, 0],
      [1, 2],
    ];
    await expectSame(
      [[2, 3, 4]],
      withGradients((x) =>
        tf.add(tf.gather(x, tf.tensor2d(ids, [2, 2], 'int32'), -2), tf.gather(x, tf.tensor2d(ids, [2, 2], 'int32'), 1)),
      ),
    );
  });

  it('sums segments, leaving out unknown ids', async () => {
    const sums = (x: tf.Tensor, ids: number[]) => tf.unsortedSegmentSum(x, tf.tensor1d(ids, 'int32'), 4);
    await expectSame([[6, 2, 3]], (x) => [sums(x, [0, 2, -1, 2, 3, 0])]);
    // TensorFlow refuses ids that are too large.
    await tf.setBackend('wasm');
    tf.tidy(() => {
      expect(sums(tf.tensor1d([1, 2, 3]), [0, 7, 0])).toBeAllClose([4, 0, 0, 0]);
    });
  });
});

describe('attributes and types that some engines took for others', () => {
  it('cumsum and cumprod count axes from the last one, too', async () => {
    await expectSame([[2, 3, 4]], (x) => [tf.cumsum(x, -1), tf.cumsum(x, -3, true), tf.cumprod(x, -2)]);
    const [sums] = [tf.cumsum(tf.tensor2d([1, 2, 3, 4], [2, 2]), -1)];
    expect(sums).toBeAllClose([1, 3, 3, 7]);
  });

  it('clips integers', async () => {
    const clipped = (least: number, most: number) =>
      tf.clipByValue(tf.tensor1d([-20, -2, 0, 3, 9], 'int32'), least, most);
    await expectSame([[1]], () => [clipped(-3, 4), clipped(-30, 2.5), clipped(-2.5, 30)]);
    expect(clipped(-3, 4)).toBeAllClose([-3, -2, 0, 3, 4]);
  });

  it('depthwise convolutions without dilations, as tfjs-layers asks for them', async () => {
    await expectSame(
      [
        [1, 5, 5, 2],
        [3, 3, 2, 1],
      ],
      (x, filter) => [
        tf.depthwiseConv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 1, 'same', 'NHWC', null as unknown as number),
      ],
    );
  });
});

describe('slices', () => {
  it.each([
    [
      [0, 0, 0, 0],
      [2, 4, 5, 3],
    ],
    [
      [1, 0, 0, 0],
      [1, 4, 5, 3],
    ],
    [
      [0, 1, 2, 0],
      [2, 3, 2, 3],
    ],
    [
      [0, 1, 2, 1],
      [2, 2, 3, 2],
    ],
    [
      [1, 3, 4, 2],
      [1, 1, 1, 1],
    ],
    [
      [0, 2, 0, 0],
      [2, 0, 5, 3],
    ],
  ])('from %j of size %j', async (begin, size) => {
    await expectSame([[2, 4, 5, 3]], (x) => [tf.slice(x, begin, size)]);
  });

  it('of vectors, other types, and by split and unstack', async () => {
    await expectSame([[2, 20, 6]], (x) => [
      tf.slice(tf.reshape(x, [240]), [17], [40]),
      tf.cast(tf.slice(tf.greater(x, 0), [0, 3, 1], [2, 7, 4]), 'float32'),
      ...tf.split(x, [1, 3, 2], 2),
      ...tf.split(x, 2, -2),
      ...tf.unstack(x, 2),
    ]);
  });
});

describe('copies', () => {
  it('share the data of their original, which lives as long as one of them', async () => {
    await tf.setBackend('wasm');
    const backend = tf.engine().backend;
    const before = backend.numDataIds();
    const x = tf.tensor1d([1, 2, 3]);
    const [copy, same, whole] = [tf.clone(x), tf.cast(x, 'float32'), tf.cast(x, 'int32')];
    expect(backend.numDataIds()).toBe(before + 2);
    x.dispose();
    copy.dispose();
    expect(same).toBeAllClose([1, 2, 3]);
    const variable = tf.variable<tf.Rank>(same);
    const doubled = tf.mul(same, 2);
    variable.assign(doubled);
    expect(same).toBeAllClose([1, 2, 3]);
    expect(variable).toBeAllClose([2, 4, 6]);
    expect(Array.from(whole.dataSync())).toEqual([1, 2, 3]);
    tf.dispose([same, doubled, whole, variable]);
    expect(backend.numDataIds()).toBe(before);
  });
});

describe('einsum', () => {
  it.each([
    [
      'ij,jk->ik',
      [
        [3, 4],
        [4, 5],
      ],
    ],
    [
      'bhqd,bhkd->bhqk',
      [
        [2, 2, 3, 4],
        [2, 2, 5, 4],
      ],
    ],
    [
      'bij,jk->bik',
      [
        [2, 3, 4],
        [4, 5],
      ],
    ],
    [
      'ij,ij->',
      [
        [2, 3],
        [2, 3],
      ],
    ],
    ['ijk->ki', [[2, 3, 4]]],
    ['ij->', [[2, 3]]],
  ] as [string, number[][]][])('%s', async (equation, shapes) => {
    await expectSame(
      shapes,
      withGradients((...operands) => tf.einsum(equation, ...operands)),
    );
  });
});

it('casts and reshapes, to what a tensor is and to what it is not', async () => {
  await expectSame([[2, 3]], (x) => [
    tf.cast(x, 'float32'),
    tf.cast(tf.cast(tf.mul(x, 10), 'int32'), 'float32'),
    tf.reshape(x, [2, 3]),
    tf.reshape(x, [3, 2]),
  ]);
});

it('activations and extremes of every type', async () => {
  await expectSame(
    [[2, 3], [3]],
    withGradients((x, alpha) => tf.prelu(x, alpha)),
  );
  await expectSame([[2, 3]], (x) => [tf.exp(tf.cast(tf.mul(x, 2), 'int32'))]);
  await expectSame([[5]], (x) => {
    const positive = tf.greater(x, 0);
    return [tf.argMax(positive), tf.argMin(positive)].map((index) => tf.cast(index, 'float32'));
  });
});

it('group norm and softmax', async () => {
  await expectSame(
    [[2, 6, 6, 4]],
    withGradients((x) => {
      const groups = tf.reshape(x, [2, 36, 2, 2]);
      const { mean, variance } = tf.moments(groups, [1, 3], true);
      return tf.softmax(tf.mul(tf.sub(groups, mean), tf.rsqrt(tf.add(variance, 1e-5))));
    }),
  );
});
