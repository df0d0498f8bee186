/** The kernels of convolutions, against those of tfjs' own cpu backend: forward and gradient. */
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backends, draw, expectSame, startAll, withGradients } from './engines.ts';

beforeAll(startAll);

afterAll(async () => {
  await tf.setBackend('cpu');
});

/** Two zeros on every side, written out: for a single number tfjs-core works out the width by the height's stride. */
const allAround: [number, number][] = [
  [0, 0],
  [2, 2],
  [2, 2],
  [0, 0],
];
const paddings = ['same', 'valid', allAround as tf.backend_util.ExplicitPadding] as const;

describe.each([
  { name: 'one image', image: [1, 9, 8, 3] },
  { name: 'many images', image: [8, 6, 7, 9] },
])('convolution of $name', ({ image }) => {
  const channels = image[3]!;
  for (const filter of [
    [1, 1],
    [3, 3],
    [2, 5],
    [4, 4],
  ]) {
    for (const strides of [1, 2, [2, 1], 3] as (number | [number, number])[]) {
      for (const pad of paddings) {
        it(`filter ${filter}, stride ${strides}, padding ${pad}`, async () => {
          const shapes = [image, [...filter, channels, 5]];
          await expectSame(
            shapes,
            withGradients((x, w) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, strides, pad)),
          );
        });
      }
    }
  }
});

/** Images, sizes of filters, strides, and padding so wide that some places of the image meet no row or column of dy. */
const wide: [image: number[], size: number[], strides: [number, number], borders: [number, number][]][] = [
  [[2, 2, 6, 2], [3, 1], [2, 1], [[2, 0], [2, 1]]],
  [[2, 6, 2, 2], [1, 3], [1, 2], [[1, 2], [2, 0]]],
  [[2, 1, 4, 2], [5, 1], [3, 1], [[6, 0], [0, 0]]],
  [[2, 1, 5, 2], [1, 1], [2, 2], [[1, 0], [0, 0]]],
]; // prettier-ignore

describe('convolution', () => {
  it('with explicit, uneven padding', async () => {
    const pad: [number, number][] = [
      [0, 0],
      [1, 0],
      [0, 2],
      [0, 0],
    ];
    await expectSame(
      [
        [2, 6, 6, 3],
        [3, 3, 3, 4],
      ],
      withGradients((x, w) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, pad as tf.backend_util.ExplicitPadding)),
    );
  });

  it('with padding given as a number', async () => {
    await expectSame(
      [
        [2, 6, 6, 3],
        [3, 3, 3, 4],
      ],
      withGradients((x, w) => {
        const image = x as tf.Tensor4D;
        const pooled = tf.maxPool(tf.conv2d(image, w as tf.Tensor4D, 2, 1), 3, 2, 1);
        return tf.depthwiseConv2d(pooled, tf.ones([3, 3, 4, 1]), 1, 1);
      }),
    );
  });

  it('with padding given as a number, and nothing square', async () => {
    for (const pad of [0, 1, 2]) {
      await expectSame(
        [
          [2, 7, 6, 3],
          [3, 2, 3, 4],
        ],
        withGradients((x, w) => {
          const convolved = tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, [1, 2], pad);
          expect(convolved.shape).toEqual([2, 7 + 2 * pad - 2, Math.floor((6 + 2 * pad - 2) / 2) + 1, 4]);
          const pooled = tf.maxPool(convolved, [2, 1], 1, 0);
          expect(pooled.shape).toEqual([2, convolved.shape[1] - 1, convolved.shape[2], 4]);
          return pooled;
        }),
      );
    }
  });

  it('with a stride longer than the filter', async () => {
    await expectSame(
      [
        [2, 8, 8, 3],
        [2, 2, 3, 4],
      ],
      withGradients((x, w) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 3, 'valid')),
    );
  });

  it.each([
    [[3, 2], [1, 3], 'same'],
    [[3, 2], [1, 2], 'valid'],
    [[2, 2], [3, 1], 'same'],
    [[2, 2], [1, 5], 1],
  ] as [[number, number], [number, number], 'same' | 'valid' | number][])(
    'of one channel by %j, strides %j, padding %s',
    async (size, strides, pad) => {
      for (const channels of [1, 3]) {
        const shapes = [
          [2, 5, 3, 1],
          [...size, 1, channels],
        ];
        await expectSame(
          shapes,
          withGradients((x, w) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, strides, pad)),
        );
        await expectSame([...shapes, [channels], [channels]], (x, w, bias, preluActivationWeights) => {
          const operands = { x: x as tf.Tensor4D, filter: w as tf.Tensor4D, strides, pad, bias };
          return [
            tf.fused.conv2d({ ...operands, activation: 'relu' }),
            tf.fused.conv2d({ ...operands, activation: 'prelu', preluActivationWeights }),
          ];
        });
      }
    },
  );

  it('with padding wider than the filter', async () => {
    await expectSame(
      [
        [2, 5, 5, 3],
        [2, 2, 3, 4],
      ],
      withGradients((x, w) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 3)),
    );
  });

  it.each(wide)('of %j by %j, strides %j, padding %j', async (image, size, strides, borders) => {
    const pad = [[0, 0], ...borders, [0, 0]] as tf.backend_util.ExplicitPadding;
    await expectSame(
      [image, [...size, 2, 3]],
      withGradients((x, w) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, strides, pad)),
    );
  });

  it('transposed, with both gradients', async () => {
    for (const [filter, stride, pad] of [
      [4, 2, 'same'],
      [2, 2, 'valid'],
      [3, 1, 'same'],
      [3, 2, 'same'],
    ] as const) {
      const out: [number, number, number, number] = [2, 4 * stride, 5 * stride, 4];
      await expectSame(
        [
          [2, 4, 5, 3],
          [filter, filter, 4, 3],
        ],
        withGradients((x, w) => tf.conv2dTranspose(x as tf.Tensor4D, w as tf.Tensor4D, out, stride, pad)),
      );
    }
  });

  it('of the gradient of a gradient', async () => {
    await expectSame(
      [
        [2, 5, 5, 2],
        [3, 3, 2, 3],
      ],
      (x, w) => {
        const slope = (image: tf.Tensor) =>
          tf.grad((y) => tf.sum(tf.square(tf.conv2d(y as tf.Tensor4D, w as tf.Tensor4D, 1, 'same'))))(image);
        return [tf.grad((y) => tf.sum(tf.square(slope(y))))(x)];
      },
    );
  });
});

describe('depthwise convolution', () => {
  for (const multiplier of [1, 2]) {
    for (const strides of [1, 2]) {
      for (const pad of ['same', 'valid'] as const) {
        it(`multiplier ${multiplier}, stride ${strides}, padding ${pad}`, async () => {
          await expectSame(
            [
              [2, 7, 6, 3],
              [3, 3, 3, multiplier],
            ],
            withGradients((x, w) => tf.depthwiseConv2d(x as tf.Tensor4D, w as tf.Tensor4D, strides, pad)),
          );
        });
      }
    }
  }

  it.each([
    [[3, 2], [1, 3], 'same'],
    [[3, 2], [1, 2], 'valid'],
    [[2, 2], [1, 5], 1],
  ] as [[number, number], [number, number], 'same' | 'valid' | number][])(
    'of one channel by %j, strides %j, padding %s',
    async (size, strides, pad) => {
      for (const multiplier of [1, 2, 3]) {
        const [image, filter] = [[2, 5, 3, 1], [...size, 1, multiplier]]; // prettier-ignore
        await expectSame(
          [image, filter],
          withGradients((x, w) => tf.depthwiseConv2d(x as tf.Tensor4D, w as tf.Tensor4D, strides, pad)),
        );
        await expectSame([image, filter, [multiplier], [multiplier]], (x, w, bias, preluActivationWeights) => {
          const operands = { x: x as tf.Tensor4D, filter: w as tf.Tensor4D, strides, pad, bias };
          return [
            tf.fused.depthwiseConv2d({ ...operands, activation: 'relu' }),
            tf.fused.depthwiseConv2d({ ...operands, activation: 'prelu', preluActivationWeights }),
          ];
        });
      }
    },
  );

  it.each([
    [[3, 1], 2],
    [[1, 3], 2],
    [[2, 2], 3],
  ] as [[number, number], number][])('with a filter of %j and strides of %i, longer', async (size, strides) => {
    await expectSame([[2, 7, 6, 3], [...size, 3, 2], [6]], (x, w, bias) => {
      const [image, filter] = [x as tf.Tensor4D, w as tf.Tensor4D];
      return [
        tf.depthwiseConv2d(image, filter, strides, 'same'),
        tf.fused.depthwiseConv2d({ x: image, filter, strides, pad: 'same', bias, activation: 'relu' }),
      ];
    });
  });

  it.each(wide)('of %j by %j, strides %j, padding %j', async (image, size, strides, borders) => {
    const pad = [[0, 0], ...borders, [0, 0]] as unknown as 'same';
    await expectSame(
      [image, [...size, 2, 3]],
      withGradients((x, w) => tf.depthwiseConv2d(x as tf.Tensor4D, w as tf.Tensor4D, strides, pad)),
    );
  });

  // The cpu kernels leave dilations out of account; but the convolution is linear in its input and in its filter, so
  // <dy, conv(x, w)> = <dx, x> = <dw, w> whatever the numbers are.
  it.each([2, [1, 3]] as (number | [number, number])[])(
    'dilated by %j has the adjoints of its forward pass',
    async (dilation) => {
      await tf.setBackend('wasm');
      tf.tidy(() => {
        const [x, filter, dy] = [draw(2, 9, 8, 3), draw(3, 2, 3, 2), draw(2, 9, 8, 6)];
        const run = (kernel: string, inputs: tf.NamedTensorMap, more: object): tf.Tensor => {
          const attributes = { strides: [1, 1], pad: 'same', dilations: dilation, ...more };
          return tf.engine().runKernel(kernel, inputs, attributes);
        };
        const product = (a: tf.Tensor, b: tf.Tensor) => tf.sum(tf.mul(a, b)).dataSync()[0]!;
        const forward = tf.depthwiseConv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 1, 'same', 'NHWC', dilation);
        const dx = run('DepthwiseConv2dNativeBackpropInput', { dy, filter }, { inputShape: x.shape });
        const dw = run('DepthwiseConv2dNativeBackpropFilter', { x, dy }, { filterShape: filter.shape });
        const expected = product(dy, forward);
        expect(product(dx, x)).toBeAllClose(expected, { rtol: 1e-4, atol: 1e-4 });
        expect(product(dw, filter)).toBeAllClose(expected, { rtol: 1e-4, atol: 1e-4 });
      });
    },
  );
});

describe('second derivatives of a convolution', () => {
  it.each([
    [1, 'same'],
    [2, 'same'],
    [[2, 1], 'valid'],
    [1, 1],
  ] as [number | [number, number], 'same' | 'valid' | number][])('strides %j, padding %s', async (strides, pad) => {
    for (const backend of ['cpu', ...backends]) {
      await tf.setBackend(backend);
      tf.tidy(() => {
        const [x, w, u, v] = [draw(1, 6, 5, 2), draw(3, 3, 2, 3), draw(1, 6, 5, 2), draw(3, 3, 2, 3)];
        const loss = (image: tf.Tensor, filter: tf.Tensor) =>
          tf.sum(tf.softplus(tf.conv2d(image as tf.Tensor4D, filter as tf.Tensor4D, strides, pad)));
        const slopes = tf.grads(loss);
        const along = (image: tf.Tensor, filter: tf.Tensor) => {
          const [dx, dw] = slopes([image, filter]);
          return tf.add(tf.sum(tf.mul(dx!, u)), tf.sum(tf.mul(dw!, v)));
        };
        const step = 3e-3;
        const at = (s: number) => slopes([tf.add(x, tf.mul(u, s)), tf.add(w, tf.mul(v, s))]);
        const [after, before] = [at(step), at(-step)];
        tf.grads(along)([x, w]).forEach((product, i) => {
          const difference = tf.div(tf.sub(after[i]!, before[i]!), 2 * step);
          expect(product, backend).toBeAllClose(difference, { rtol: 1e-2, atol: 5e-3 });
        });
      });
    }
  });
});
