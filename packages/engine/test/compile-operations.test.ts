import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { compile } from '../src/index.ts';
import { startNative } from './compile/native.ts';

const installed = await startNative();

type Unary = (x: tf.Tensor4D) => tf.Tensor | tf.Tensor[];
const ints = (x: tf.Tensor) => tf.cast(tf.mul(x, 4), 'int32');
const bools = (x: tf.Tensor) => tf.greater(x, 0.5);
const filter = tf.keep(tf.reshape<tf.Rank.R4>(tf.cos(tf.range(0, 72)), [3, 3, 4, 2]));
const rows = (x: tf.Tensor) => tf.reshape<tf.Rank.R2>(x, [8, -1]);

/** Functions whose operations name their outputs in all the ways there are. The argument lies in (0, 1). */
const functions: Record<string, Unary> = {
  roots: (x) => tf.add(tf.sqrt(x), tf.add(tf.rsqrt(x), tf.reciprocal(x))),
  exponentials: (x) => [tf.exp(x), tf.expm1(x), tf.log(x), tf.log1p(x), tf.erf(x), tf.pow(x, 1.7), tf.exp(ints(x))],
  circles: (x) => [tf.sin(x), tf.cos(x), tf.tan(x), tf.asin(x), tf.acos(x), tf.atan(x), tf.atan2(x, x)],
  hyperbolas: (x) => [tf.sinh(x), tf.cosh(x), tf.tanh(x), tf.asinh(x), tf.acosh(tf.add(x, 1)), tf.atanh(x)],
  rounding: (x) => [tf.floor(x), tf.ceil(x), tf.round(x), tf.sign(x), tf.abs(x), tf.neg(x), tf.square(x)],
  arithmetic: (x) => [tf.sub(x, 1), tf.mul(x, x), tf.div(x, 3), tf.divNoNan(x, x), tf.mod(x, 0.3), tf.squaredDifference(x, 2)], // prettier-ignore
  integers: (x) => [tf.floorDiv(ints(x), 2), tf.maximum(ints(x), 1), tf.minimum(x, 0.4)],
  comparisons: (x) => [
    tf.less(x, 0.5),
    tf.lessEqual(x, 0.5),
    tf.greaterEqual(x, 0.5),
    tf.equal(x, x),
    tf.notEqual(x, x),
  ],
  logic: (x) => [tf.logicalAnd(bools(x), bools(x)), tf.logicalOr(bools(x), bools(x)), tf.logicalNot(bools(x))],
  finite: (x) => [tf.isNaN(x), tf.isInf(x), tf.isFinite(x)],
  activations: (x) => [
    tf.relu(x),
    tf.relu6(x),
    tf.elu(x),
    tf.selu(x),
    tf.leakyRelu(x),
    tf.prelu(tf.sub(x, 0.5), x),
    tf.softplus(x),
    tf.sigmoid(x),
  ],
  softmaxes: (x) => [tf.softmax(x), tf.logSoftmax(x)],
  swish: (x) => tf.mul(x, tf.sigmoid(x)),
  reductions: (x) => [
    tf.sum(x, 1),
    tf.mean(x),
    tf.prod(x, 3),
    tf.max(x, [1, 2]),
    tf.min(x),
    tf.all(bools(x)),
    tf.any(bools(x)),
  ],
  indices: (x) => [tf.argMax(x, 1), tf.argMin(x, 2), tf.argMax(bools(x), 1), tf.oneHot(ints(tf.reshape(x, [-1])), 5)],
  sums: (x) => [tf.addN([x, x, x]), tf.cumsum(x, 1), tf.cumprod(x, 1)],
  shapes: (x) => [
    tf.transpose(x),
    tf.reshape(x, [-1]),
    tf.expandDims(x, 2),
    tf.tile(x, [1, 2, 1, 1]),
    tf.reverse(x, 1),
  ],
  pieces: (x) => [...tf.split(x, 2, 3), ...tf.split(x, [1, 3], 3), ...tf.unstack(x), tf.slice(x, [0, 1], [1, 2]), tf.stridedSlice(x, [0, 0], [2, 6], [1, 2])], // prettier-ignore
  joins: (x) => [tf.concat([x, x], 1), tf.stack([x, x]), tf.pad(x, [[0, 0], [1, 1], [1, 2], [0, 0]]), tf.mirrorPad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], 'reflect')], // prettier-ignore
  gathers: (x) => [tf.gather(x, tf.tensor1d([1, 0], 'int32')), tf.gather(x, tf.tensor1d([1, 0], 'int32'), -1), tf.gatherND(x, tf.tensor2d([[1, 0], [0, 1]], [2, 2], 'int32'))], // prettier-ignore
  scatters: (x) => tf.scatterND(tf.tensor2d([[0], [2]], [2, 1], 'int32'), tf.slice(rows(x), [0, 0], [2, 4]), [4, 4]), // prettier-ignore
  choices: (x) => [
    tf.where(bools(x), x, tf.neg(x)),
    tf.topk(x, 2).values,
    tf.topk(x, 2).indices,
    tf.clipByValue(x, 0.2, 0.7),
  ],
  made: (x) => [
    tf.mul(x, tf.fill([4], 2)),
    tf.zerosLike(x),
    tf.onesLike(x),
    tf.linspace(0, 1, 5),
    tf.diag(tf.reshape(x, [-1])),
  ],
  products: (x) => [
    tf.matMul(rows(x), rows(x), true),
    tf.einsum('ij,kj->ik', rows(x), rows(x)),
    tf.dot(rows(x), tf.transpose(rows(x))),
  ],
  convolutions: (x) => [tf.conv2d(x, filter, 2, 'same'), tf.fused.conv2d({ x, filter, strides: 1, pad: 'same', bias: tf.tensor1d([1, 2]), activation: 'relu' })], // prettier-ignore
  depthwise: (x) => tf.depthwiseConv2d(x, filter, 1, 'same'),
  transposed: (x) => tf.conv2dTranspose(tf.conv2d(x, filter, 1, 'same'), filter, [2, 6, 6, 4], 1, 'same'),
  pools: (x) => [
    tf.maxPool(x, 2, 2, 'same'),
    tf.avgPool(x, 2, 2, 'same'),
    tf.avgPool(x, 3, 2, 1),
    tf.localResponseNormalization(x),
  ],
  volumes: (x) => {
    const volume = tf.reshape<tf.Rank.R5>(x, [1, 2, 6, 6, 4]);
    return [tf.maxPool3d(volume, 2, 1, 'same'), tf.avgPool3d(volume, 2, 1, 'same'), tf.conv3d(volume, tf.ones([1, 3, 3, 4, 2]), 1, 'same')]; // prettier-ignore
  },
  resizes: (x) => [tf.image.resizeBilinear(x, [12, 9]), tf.image.resizeNearestNeighbor(x, [3, 12])],
  axisGradients: (x) => [
    tf.grad((v) => tf.square(tf.cumsum(v, 1)))(x),
    tf.grad((v) => tf.prod(v, [1, 3]))(x),
    tf.grad((v) =>
      tf.square(
        tf.mirrorPad(
          v,
          [
            [0, 0],
            [1, 1],
            [1, 2],
            [0, 0],
          ],
          'reflect',
        ),
      ),
    )(x),
  ],
  poolGradients: (x) =>
    [tf.maxPool, tf.avgPool].map((pool) => tf.grad((v) => tf.square(pool(v as tf.Tensor4D, 3, 2, 1)))(x)),
  resizeGradients: (x) =>
    [tf.image.resizeBilinear, tf.image.resizeNearestNeighbor].map((resize) =>
      tf.grad((v) => tf.square(resize(v as tf.Tensor4D, [9, 4], false, true)))(x),
    ),
  crops: (x) => tf.image.cropAndResize(x, tf.tensor2d([[0, 0, 1, 1]]), tf.tensor1d([1], 'int32'), [3, 3]),
  blocks: (x) => [tf.depthToSpace(x, 2, 'NHWC'), tf.spaceToBatchND(x, [2, 2], [[0, 0], [0, 0]]), tf.batchToSpaceND(tf.concat([x, x]), [2, 2], [[0, 0], [0, 0]])], // prettier-ignore
  batchNorm: (x) => tf.batchNorm(x, tf.zeros([4]), tf.ones([4])),
  dilations: (x) => tf.dilation2d(x, tf.ones([2, 2, 4]), 1, 'same'),
  segments: (x) => tf.unsortedSegmentSum(rows(x), tf.tensor1d([0, 1, 0, 1, 2, 2, 0, 1], 'int32'), 3),
  complex: (x) => [tf.real(tf.fft(tf.complex(rows(x), rows(x)))), tf.imag(tf.ifft(tf.complex(rows(x), rows(x))))],
  gradients: (x) =>
    tf.grad((v) => {
      const y = tf.elu(tf.conv2d(tf.maxPool(tf.relu(v as tf.Tensor4D), 2, 2, 'same'), filter, 1, 'same'));
      return tf.sum(tf.avgPool(tf.image.resizeBilinear(y, [12, 12]), 2, 2, 'same'));
    })(x),
};

describe.skipIf(!installed)('the operations of a compiled function (needs `missing-u-engine native install`)', () => {
  for (const [name, fn] of Object.entries(functions)) {
    it(`gives the very digits that the function gives: ${name}`, () => {
      const x = tf.tidy(() =>
        tf.reshape<tf.Rank.R4>(tf.add(tf.mul(tf.sin(tf.range(0, 288)), 0.45), 0.5), [2, 6, 6, 4]),
      );
      const step = compile(fn, { tolerance: 0 });
      const eager = tf.tidy(() => [fn(x)].flat());
      for (let call = 0; call < 3; call++) {
        const graph = [step(x)].flat();
        expect(graph.map((tensor) => tensor.arraySync())).toEqual(eager.map((tensor) => tensor.arraySync()));
        tf.dispose(graph);
      }
      expect(step.stats.graphs[0]!.difference).toBe(0);
      step.dispose();
      tf.dispose([x, ...eager]);
    });
  }
});
