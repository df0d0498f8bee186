/**
 * The kernels that engines get from this package, against those of tfjs' own cpu backend: forward and gradient. On wasm, and
 * on native where it is installed.
 */
import * as tf from '@tensorflow/tfjs-core';
import { createGenerator } from '@missing-u/random';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useEngine } from '../src/index.ts';
import { findInstallations } from '../src/node.ts';

const installed = (await findInstallations()).some(({ fault }) => fault === undefined);
const backends = installed ? ['wasm', 'tensorflow'] : ['wasm'];

type Arrays = { values: Float32Array; shape: number[] }[];

const random = createGenerator(4);

function draw(...shape: number[]): tf.Tensor {
  return tf.tensor(random.fillNormal(new Float32Array(tf.util.sizeFromShape(shape))), shape);
}

/** Runs `compute` on one engine over the same numbers, and gives the results as arrays. */
async function on(engine: string, inputs: Arrays, compute: (...inputs: tf.Tensor[]) => tf.Tensor[]): Promise<Arrays> {
  await tf.setBackend(engine);
  return tf.tidy(() =>
    compute(...inputs.map(({ values, shape }) => tf.tensor(values, shape))).map((result) => ({
      values: result.dataSync<'float32'>(),
      shape: result.shape,
    })),
  );
}

/** `compute` gives the same on all engines as on cpu, and leaves nothing behind. */
async function expectSame(shapes: number[][], compute: (...inputs: tf.Tensor[]) => tf.Tensor[]): Promise<void> {
  const inputs = tf.tidy(() => shapes.map((shape) => ({ values: draw(...shape).dataSync<'float32'>(), shape })));
  const expected = await on('cpu', inputs, compute);
  for (const backend of backends) {
    await tf.setBackend(backend);
    const before = tf.memory().numTensors;
    const dataBefore = tf.engine().backend.numDataIds();
    const actual = await on(backend, inputs, compute);
    expect(tf.memory().numTensors).toBe(before);
    expect(tf.engine().backend.numDataIds()).toBe(dataBefore);
    expect(actual.map(({ shape }) => shape)).toEqual(expected.map(({ shape }) => shape));
    actual.forEach(({ values }, i) => {
      const scale = Math.max(...expected[i]!.values.map(Math.abs));
      expect(values, backend).toBeAllClose(expected[i]!.values, { rtol: 1e-4, atol: 1e-5 * scale });
    });
  }
}

/** The value of `f` and its gradients by all inputs, with a random dy. */
function withGradients(f: (...inputs: tf.Tensor[]) => tf.Tensor) {
  return (...inputs: tf.Tensor[]): tf.Tensor[] => {
    const value = f(...inputs);
    const dy = tf.tensor(
      Float32Array.from({ length: value.size }, (_, i) => Math.sin(i * 12.9898) + 0.25),
      value.shape,
    );
    return [value, ...tf.grads(f)(inputs, dy)];
  };
}

beforeAll(async () => {
  await useEngine('cpu');
  await useEngine('wasm');
  if (installed) await useEngine('native');
});

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

  it('with padding wider than the filter', async () => {
    await expectSame(
      [
        [2, 5, 5, 3],
        [2, 2, 3, 4],
      ],
      withGradients((x, w) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 3)),
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
        expect(product(dx, x)).toBeAllClose(expected, { rtol: 1e-4 });
        expect(product(dw, filter)).toBeAllClose(expected, { rtol: 1e-4 });
      });
    },
  );
});

describe('embeddings', () => {
  it('gather has a gradient, also for rows taken twice', async () => {
    await expectSame(
      [[5, 3]],
      withGradients((table) => tf.gather(table, tf.tensor1d([4, 0, 4, 2], 'int32'))),
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

describe('matrix products', () => {
  const sizes: [number[], number[], boolean, boolean][] = [
    [[33, 20], [20, 31], false, false],
    [[20, 33], [20, 31], true, false],
    [[33, 20], [31, 20], false, true],
    [[20, 33], [31, 20], true, true],
    [[3, 33, 20], [3, 31, 20], false, true],
    [[3, 2, 20, 33], [3, 2, 20, 31], true, false],
    [[3, 33, 20], [1, 20, 31], false, false],
    [[1, 33, 20], [3, 20, 31], false, false],
    [[2, 3, 4], [2, 4, 3], false, false],
    [[8, 4], [4, 4], false, false],
    [[3, 1], [1, 5], false, false],
    [[8, 4], [3, 4], false, true],
    [[16, 32], [32, 17], false, false],
  ];
  it.each(sizes)('%j times %j, transposed %s and %s', async (a, b, transposeA, transposeB) => {
    await expectSame([a, b], (x, y) => [tf.matMul(x, y, transposeA, transposeB)]);
  });

  it('broadcast two stacks to each other, which the built-in kernels get wrong', async () => {
    await tf.setBackend('wasm');
    tf.tidy(() => {
      const [a, b] = [draw(2, 1, 33, 20), draw(1, 3, 20, 31)];
      const product = tf.matMul(a, b);
      expect(product.shape).toEqual([2, 3, 33, 31]);
      const one = tf.matMul(
        tf.reshape(tf.slice(a, [1], [1]), [33, 20]),
        tf.reshape(tf.slice(b, [0, 2], [1, 1]), [20, 31]),
      );
      expect(tf.reshape(tf.slice(product, [1, 2], [1, 1]), [33, 31])).toBeAllClose(one);
    });
  });

  it('of one matrix in two shapes', async () => {
    await expectSame(
      [
        [2, 3],
        [1, 2],
        [1, 3],
      ],
      (x, a, b) => [tf.matMul(a, x), tf.matMul(b, tf.reshape(x, [3, 2])), tf.matMul(a, tf.reshape(x, [2, 3]))],
    );
    const fused = (a: tf.Tensor, b: tf.Tensor) => tf.fused.matMul({ a, b, activation: 'relu' });
    await expectSame(
      [
        [2, 3],
        [1, 2],
        [1, 3],
      ],
      (x, a, b) => [fused(a, x), fused(b, tf.reshape(x, [3, 2]))],
    );
  });

  it('have gradients', async () => {
    await expectSame(
      [
        [3, 33, 20],
        [3, 31, 20],
      ],
      withGradients((x, y) => tf.matMul(x, y, false, true)),
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

describe('pooling', () => {
  it.each([
    [2, 2, 'same'],
    [2, 2, 'valid'],
    [3, 1, 'same'],
    [3, 2, 'same'],
    [[2, 3], [1, 2], 'valid'],
  ] as [number | [number, number], number | [number, number], 'same' | 'valid'][])(
    'of %j, stride %j, padding %s',
    async (size, strides, pad) => {
      const shape = [2, 7, 6, 3];
      await expectSame(
        [shape],
        withGradients((x) => tf.maxPool(x as tf.Tensor4D, size, strides, pad)),
      );
      await expectSame(
        [shape],
        withGradients((x) => tf.avgPool(x as tf.Tensor4D, size, strides, pad)),
      );
    },
  );
});

describe('resizing', () => {
  it.each([
    [[8, 12], false],
    [[7, 9], false],
    [[7, 9], true],
    [[3, 2], false],
    [[8, 12], false, true],
    [[7, 5], false, true],
    [[2, 3], false, true],
  ] as [[number, number], boolean, boolean?][])(
    'to %j, corners aligned: %s, by the centres of pixels: %s',
    async (size, aligned, centred) => {
      const shape = [2, 4, 6, 3];
      await expectSame(
        [shape],
        withGradients((x) => tf.image.resizeNearestNeighbor(x as tf.Tensor4D, size, aligned, centred)),
      );
      await expectSame(
        [shape],
        withGradients((x) => tf.image.resizeBilinear(x as tf.Tensor4D, size, aligned, centred)),
      );
    },
  );

  it.each(['resizeNearestNeighbor', 'resizeBilinear'] as const)(
    '%s has the adjoint of its forward pass',
    async (name) => {
      for (const engine of ['cpu', ...backends]) {
        await tf.setBackend(engine);
        for (const [size, centred] of [
          [[8, 12], false],
          [[7, 5], false],
          [[2, 3], false],
          [[7, 5], true],
          [[2, 3], true],
        ] as [[number, number], boolean][]) {
          tf.tidy(() => {
            const [x, dy] = [draw(2, 4, 6, 3), draw(2, ...size, 3)];
            const resize = (image: tf.Tensor) => tf.image[name](image as tf.Tensor4D, size, false, centred);
            const forward = tf.sum(tf.mul(resize(x), dy)).dataSync();
            expect(tf.sum(tf.mul(tf.grad(resize)(x, dy), x))).toBeAllClose(forward, { rtol: 1e-4, atol: 1e-4 });
          });
        }
      }
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

it.each([
  [false, false, [[4, 3], [3, 5]]],
  [true, false, [[3, 4], [3, 5]]],
  [false, true, [[4, 3], [5, 3]]],
  [true, true, [[3, 4], [5, 3]]],
  [false, true, [[2, 4, 3], [2, 5, 3]]],
] as [boolean, boolean, number[][]][])('products of matrices, transposed %s and %s, of %j', async (ta, tb, shapes) => {
  await expectSame(
    shapes,
    withGradients((a, b) => tf.matMul(a, b, ta, tb)),
  );
}); // prettier-ignore

it('casts and reshapes, to what a tensor is and to what it is not', async () => {
  await expectSame([[2, 3]], (x) => [
    tf.cast(x, 'float32'),
    tf.cast(tf.cast(tf.mul(x, 10), 'int32'), 'float32'),
    tf.reshape(x, [2, 3]),
    tf.reshape(x, [3, 2]),
  ]);
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
