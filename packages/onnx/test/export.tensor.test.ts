import { CUNet } from '@missing-u/cunet';
import { UNet2DModel } from '@missing-u/unet-blocks';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { OnnxDenoiser, toOnnx } from '@missing-u/onnx';
import { asItIs, expectAgreement, normal, relativeDifference } from './agree.ts';

type Images = tf.Tensor4D;

describe('toOnnx', () => {
  it('writes a cU-Net on this engine', async () => {
    const model = new CUNet({ channels: 8, groups: 4, imageSize: 16 });
    await expectAgreement(model, {}, { height: 16, channels: 3, batches: [1, 3] });
    await expect(() => toOnnx(model)).toLeakNoTensors();
    model.dispose();
  });

  it('writes a U-Net with attention on this engine', async () => {
    const blocks = { downBlockTypes: ['DownBlock2D', 'AttnDownBlock2D'], upBlockTypes: ['AttnUpBlock2D', 'UpBlock2D'] };
    const model = new UNet2DModel({
      ...blocks,
      blockOutChannels: [8, 16],
      normNumGroups: 4,
      layersPerBlock: 1,
      attentionHeadDim: 4,
    });
    await expectAgreement(model, {}, { height: 8, channels: 3 });
    model.dispose();
  });

  it('gives back the engine as it was', async () => {
    const model = asItIs((x) => tf.mul(x, 2));
    const names = () => [tf.engine(), tf.backend()].map((object) => Object.getOwnPropertyNames(object));
    const own = names();
    await toOnnx(model, { imageSize: 4, channels: 1 });
    await expect(toOnnx(asItIs(() => { throw new Error('no'); }), { imageSize: 4, channels: 1 })).rejects.toThrow('no'); // prettier-ignore
    expect(names()).toEqual(own);
    expect(tf.add(1, 2).dataSync()[0]).toBe(3);
  });
});

/** One operation each, of images [N, 4, 6, 3] and times [N]. */
const operations: Record<string, (x: Images, t: tf.Tensor1D) => tf.Tensor> = {
  arithmetic: (x) => tf.sub(tf.div(tf.mul(tf.add(x, 2), x), tf.add(tf.abs(x), 1)), tf.neg(x)),
  'rounding and remainders': (x) =>
    tf.add(tf.floorDiv(tf.mul(x, 7), 2), tf.add(tf.mod(x, 0.7), tf.add(tf.round(x), tf.ceil(x)))),
  'whole numbers': (x) => tf.cast(tf.floorDiv(tf.cast(tf.mul(x, 9), 'int32'), tf.scalar(-2, 'int32')), 'float32'),
  powers: (x) => tf.add(tf.pow(tf.abs(x), 1.5), tf.add(tf.square(x), tf.squaredDifference(x, 1))),
  roots: (x) => tf.add(tf.sqrt(tf.abs(x)), tf.add(tf.rsqrt(tf.add(tf.abs(x), 1)), tf.reciprocal(tf.add(tf.abs(x), 1)))),
  exponentials: (x) =>
    tf.add(tf.exp(x), tf.add(tf.expm1(x), tf.add(tf.log1p(tf.abs(x)), tf.log(tf.add(tf.abs(x), 1))))),
  waves: (x) => tf.add(tf.sin(x), tf.add(tf.cos(x), tf.add(tf.tan(tf.mul(x, 0.2)), tf.atan(x)))),
  hyperbolas: (x) => tf.add(tf.tanh(x), tf.add(tf.sinh(x), tf.add(tf.cosh(x), tf.asinh(x)))),
  activations: (x) =>
    tf.addN([
      tf.relu(x),
      tf.relu6(tf.mul(x, 5)),
      tf.elu(x),
      tf.selu(x),
      tf.leakyRelu(x, 0.3),
      tf.softplus(x),
      tf.sigmoid(x),
      tf.erf(x),
    ]),
  nothing: (x) => tf.clone(x),
  'nothing, there and back': (x) => tf.transpose(tf.transpose(x, [0, 2, 1, 3]), [0, 2, 1, 3]),
  'nothing, flat and back': (x) => tf.reshape(tf.reshape(x, [x.shape[0], -1]), x.shape),
  'steps and signs': (x) => tf.add(tf.step(x, 0.25), tf.sign(x)),
  clipping: (x) => tf.clipByValue(tf.maximum(tf.minimum(x, 0.9), -1.2), -1, 0.8),
  choices: (x) => tf.where(tf.logicalAnd(tf.greater(x, 0), tf.logicalNot(tf.lessEqual(x, 0.5))), x, tf.zerosLike(x)),
  comparisons: (x) =>
    tf.add(
      tf.cast(tf.notEqual(x, 0), 'float32'),
      tf.cast(tf.logicalOr(tf.less(x, -1), tf.greaterEqual(x, 1)), 'float32'),
    ),
  'numbers that are none': (x) =>
    tf.cast(tf.logicalOr(tf.isNaN(tf.sqrt(x)), tf.isInf(tf.div(1, tf.relu(x)))), 'float32'),
  'broadcasting over channels': (x) =>
    tf.mul(
      tf.add(tf.conv2d(x, filter(3, 3, 3, 3), 1, 'same'), tf.tensor1d([1, 2, 3])),
      tf.tensor3d([1, 2, 3, 4, 5, 6], [1, 6, 1]),
    ),
  'times over images': (x, t) => tf.add(x, tf.reshape(tf.sin(t), [-1, 1, 1, 1])),
  convolution: (x) => tf.conv2d(x, filter(3, 3, 3, 5), 1, 'same'),
  'convolution with bias': (x) => tf.add(tf.conv2d(x, filter(3, 3, 3, 5), 1, 'same'), tf.tensor1d([1, 2, 3, 4, 5])),
  'convolution and a constant of more axes': (x) =>
    tf.reshape(
      tf.add(tf.conv2d(x, filter(3, 3, 3, 3), 1, 'same'), tf.tensor([1, 2, 3], [1, 1, 1, 1, 3])),
      [-1, 4, 6, 3],
    ),
  'strided convolution': (x) => tf.conv2d(x, filter(3, 3, 3, 2), 2, 'same'),
  'padded convolution': (x) => tf.conv2d(tf.pad(x, [[0, 0], [2, 1], [0, 1], [0, 0]]), filter(3, 3, 3, 2), 2, 'valid'), // prettier-ignore
  'dilated convolution': (x) => tf.conv2d(x, filter(2, 2, 3, 2), 1, 'same', 'NHWC', [2, 2]),
  'depthwise convolution': (x) => tf.depthwiseConv2d(x, filter(3, 2, 3, 2), 1, 'same'),
  'transposed convolution': (x) => tf.conv2dTranspose(x, filter(4, 4, 2, 3), [x.shape[0], 8, 12, 2], 2, 'same'),
  'transposed convolution of odd size': (x) =>
    tf.conv2dTranspose(x, filter(3, 3, 2, 3), [x.shape[0], 7, 11, 2], 2, 'same'),
  'fused convolution': (x) =>
    tf.fused.conv2d({
      x,
      filter: filter(1, 1, 3, 4),
      strides: 1,
      pad: 'valid',
      bias: tf.tensor1d([1, 2, 3, 4]),
      activation: 'relu',
    }),
  'average pooling': (x) => tf.avgPool(x, 2, 2, 'valid'),
  'average pooling to the edge': (x) => tf.avgPool(x, 3, 1, 'same'),
  'maximum pooling': (x) => tf.maxPool(x, 3, 2, 'same'),
  'pooling that begins outside': (x) => tf.avgPool(x, [4, 6], [5, 7], [[0, 0], [1, 1], [1, 1], [0, 0]]), // prettier-ignore
  'pooling of everything': (x) => tf.mul(tf.avgPool(x, [4, 6], 1, 'valid'), x),
  'nearest doubling': (x) => tf.image.resizeNearestNeighbor(x, [8, 12]),
  // Sizes at which a scale that is rounded picks other pixels.
  'nearest, sizes that are no multiples': (x) =>
    tf.image.resizeNearestNeighbor(tf.image.resizeBilinear(x, [14, 28]), [4, 32]),
  'nearest, half pixels, sizes that are no multiples': (x) =>
    tf.image.resizeNearestNeighbor(tf.image.resizeBilinear(x, [56, 62]), [4, 33], false, true),
  'nearest, half pixels': (x) => tf.image.resizeNearestNeighbor(x, [7, 9], false, true),
  'nearest, aligned corners': (x) => tf.image.resizeNearestNeighbor(x, [7, 9], true),
  'bilinear doubling': (x) => tf.image.resizeBilinear(x, [8, 12]),
  'bilinear, half pixels': (x) => tf.image.resizeBilinear(x, [7, 11], false, true),
  'bilinear, aligned corners': (x) => tf.image.resizeBilinear(x, [7, 11], true),
  'depth to space': (x) => tf.depthToSpace(tf.conv2d(x, filter(1, 1, 3, 8), 1, 'same'), 2, 'NHWC'),
  'batch norm': (x) =>
    tf.batchNorm(x, tf.tensor1d([0, 1, 2]), tf.tensor1d([1, 2, 3]), tf.tensor1d([1, 0, 1]), tf.tensor1d([2, 2, 1])),
  sums: (x) => tf.mul(x, tf.add(tf.sum(x, [1, 2], true), tf.mean(x, -1, true))),
  extremes: (x) => tf.mul(x, tf.sub(tf.max(x, 3, true), tf.reshape(tf.min(x, [1, 2, 3]), [-1, 1, 1, 1]))),
  'positions of extremes': (x) => tf.mul(x, tf.cast(tf.expandDims(tf.argMax(x, 3), 3), 'float32')),
  'all and any': (x) =>
    tf.where(tf.any(tf.greater(x, 1.5), 3, true), x, tf.cast(tf.all(tf.greater(x, 0), 3, true), 'float32')),
  'means of whole numbers': (x) => tf.mul(x, tf.mean(tf.cast(tf.mul(x, 4), 'int32'), 3, true)),
  'functions of whole numbers': (x) => {
    const whole = tf.cast(tf.mul(x, 9), 'int32');
    const kept = tf.add(tf.relu6(whole), tf.sub(tf.abs(whole), tf.square(tf.sign(whole))));
    return tf.add(tf.cast(kept, 'float32'), tf.exp(tf.cast(x, 'int32')));
  },
  'zeros and ones like what is no number': (x) => tf.add(tf.zerosLike(tf.sqrt(x)), tf.onesLike(tf.div(x, 0))),
  products: (x) => tf.mul(x, tf.prod(x, 3, true)),
  'running sums': (x) => tf.cumsum(x, 3),
  softmax: (x) => tf.add(tf.softmax(x), tf.logSoftmax(x)),
  'rows times a matrix': (x) => tf.reshape(tf.matMul(tf.reshape<tf.Rank.R2>(x, [-1, 3]), filter2(3, 5)), [-1, 4, 6, 5]),
  'rows times a matrix and a bias': (x) =>
    tf.reshape(
      tf.fused.matMul({
        a: tf.reshape<tf.Rank.R2>(x, [-1, 3]),
        b: filter2(3, 5),
        bias: tf.tensor1d([1, 2, 3, 4, 5]),
        activation: 'relu',
      }),
      [-1, 4, 6, 5],
    ),
  'rows times a transposed matrix': (x) =>
    tf.reshape(tf.matMul(tf.reshape<tf.Rank.R2>(x, [-1, 3]), filter2(5, 3), false, true), [-1, 4, 6, 5]),
  'products of images': (x) => {
    const flat = tf.reshape<tf.Rank.R3>(x, [-1, 24, 3]);
    return tf.reshape(tf.matMul(flat, tf.matMul(flat, flat, true, false)), [-1, 4, 6, 3]);
  },
  einsum: (x) =>
    tf.einsum('nhwc,ncd->nhwd', x, tf.reshape(tf.slice(x, [0, 0, 0, 0], [x.shape[0], 1, 3, 3]), [-1, 3, 3])),
  transposition: (x) => tf.transpose(tf.conv2d(x, filter(1, 1, 3, 3), 1, 'same'), [0, 2, 1, 3]),
  'patches to channels': (x) =>
    tf.reshape(tf.transpose(tf.reshape(x, [-1, 2, 2, 3, 2, 3]), [0, 1, 3, 5, 2, 4]), [-1, 2, 3, 12]),
  'joining, from the end': (x) => tf.concat([x, tf.mul(x, 2), tf.ones([x.shape[0], 4, 6, 1])], -1),
  joining: (x) => tf.concat([x, tf.mul(x, 2), tf.ones([x.shape[0], 4, 6, 1])], 3),
  'joining images': (x) => tf.split(tf.concat([x, tf.neg(x)], 0), 2, 0)[1]!,
  'splitting, from the end': (x) => tf.concat(tf.split(x, [1, 2], -1).reverse(), -1),
  splitting: (x) => tf.concat(tf.split(x, [1, 2], 3).reverse(), 3),
  'stacking, from the end': (x) => tf.sum(tf.stack([x, tf.mul(x, 3)], -1), -1),
  stacking: (x) => tf.sum(tf.stack([x, tf.mul(x, 3)], 1), 1),
  'unstacking, from the end': (x) => tf.stack(tf.unstack(x, -1).reverse(), -1),
  unstacking: (x) => tf.stack(tf.unstack(x, 3).reverse(), 3),
  slicing: (x) => tf.slice(x, [0, 1, 2, 0], [-1, 2, 3, 2]),
  'slicing to the end': (x) => tf.slice(x, [0, 1, 2, 0]),
  'slicing the first axes': (x) => tf.add(tf.slice(x, [0, 1], [-1, 2]), tf.slice(tf.slice(x, 0), [0, 2])),
  'strided slicing': (x) => tf.stridedSlice(x, [0, 3, 0, 0], [0, 0, 6, 3], [1, -1, 2, 1], 1, 1),
  reversing: (x) => tf.reverse(x, [1, 3]),
  'reversing, from the end': (x) => tf.reverse(x, [-2, -1]),
  'reversing the images': (x) => tf.reverse(x, 0),
  'picking channels, from the end': (x) => tf.gather(x, tf.tensor1d([2, 0, 1], 'int32'), -1),
  'padding with a number': (x) => tf.pad(x, [[0, 0], [1, 2], [0, 1], [0, 0]], 3), // prettier-ignore
  'padding by reflection': (x) => tf.mirrorPad(x, [[0, 0], [1, 2], [0, 1], [0, 0]], 'reflect'), // prettier-ignore
  'padding by repetition': (x) => tf.mirrorPad(x, [[0, 0], [2, 4], [0, 1], [0, 0]], 'symmetric'), // prettier-ignore
  tiling: (x) => tf.tile(x, [1, 2, 1, 3]),
  'a table of times': (x, t) => tf.add(x, tf.reshape(tf.gather(filter2(64, 3), tf.cast(t, 'int32')), [-1, 1, 1, 3])),
  'one hot, none among them': (x) => {
    const classes = tf.cast(tf.round(tf.mul(x, 2)), 'int32');
    const rows = tf.add(tf.oneHot(classes, 3, 1, 0), tf.oneHot(classes, 3, 5, 2));
    return tf.reshape(tf.cast(rows, 'float32'), [-1, 4, 6, 9]);
  },
  'one hot times': (x, t) =>
    tf.add(
      x,
      tf.reshape(tf.matMul(tf.cast(tf.oneHot(tf.cast(t, 'int32'), 40), 'float32'), filter2(40, 3)), [-1, 1, 1, 3]),
    ),
  'whole numbers that were cast': (x) => {
    const whole = tf.tensor1d([1, 2, 3], 'int32');
    const numbers = tf.cast(tf.add(tf.cast(tf.cast(x, 'int32'), 'int32'), whole), 'float32');
    return tf.add(tf.mul(x, tf.cast(whole, 'float32')), tf.mul(numbers, tf.scalar(2, 'int32')));
  },
  'masks that were cast': (x) => tf.add(tf.mul(x, tf.tensor1d([1, 0, 1], 'bool')), tf.pow(x, tf.scalar(2, 'int32'))),
  'constants per image': (x) => tf.add(x, tf.fill([x.shape[0], 4, 6, 1], 2)),
};

function filter(...shape: [number, number, number, number]): Images {
  return normal(shape, 5) as Images;
}

function filter2(...shape: [number, number]): tf.Tensor2D {
  return normal(shape, 6) as tf.Tensor2D;
}

describe('kernels', () => {
  it.each(Object.keys(operations))('%s', async (name) => {
    await tf.ready();
    const model = asItIs(operations[name]!);
    const agreement = { height: 4, width: 6, channels: 3, batches: [1, 2], tolerance: 2e-6 };
    await expectAgreement(model, {}, agreement);
    await expectAgreement(model, { batch: 2 }, { ...agreement, batches: [2] });
  });
});

describe('files', () => {
  // More exact than the engines, some of which lose all digits at 1e-7.
  it.each<[string, (x: Images) => tf.Tensor, (x: number) => number]>([
    ['expm1', (x) => tf.expm1(x), Math.expm1],
    ['log1p', (x) => tf.log1p(x), Math.log1p],
  ])('keep the digits of %s at small numbers', async (_, predict, exact) => {
    const onnx = await OnnxDenoiser.load(await toOnnx(asItIs(predict), { imageSize: [1, 8], channels: 1 }));
    const numbers = Float32Array.of(-0.9, -1e-3, -1e-7, 0, 1e-10, 1e-6, 0.1, 3);
    const actual = await onnx.predict(numbers, 1);
    numbers.forEach((x, i) => expect(Math.abs(actual[i]! - exact(x)), `at ${x}`).toBeLessThanOrEqual(1e-6 * Math.abs(exact(x)))); // prettier-ignore
    expect((await onnx.predict(new Float32Array(8).fill(Infinity), 1))[0]).toBe(Infinity);
    await onnx.dispose();
  });
});

describe('OnnxDenoiser', () => {
  it('takes tensors and arrays, and gives back the like', async () => {
    const model = asItIs((x, t) => tf.add(tf.conv2d(x, filter(3, 3, 2, 2), 1, 'same'), tf.reshape(t, [-1, 1, 1, 1])));
    const onnx = await OnnxDenoiser.load(await toOnnx(model, { imageSize: [4, 6], channels: 2 }), { threads: 1 });
    const sample = normal([2, 4, 6, 2]) as Images;
    const data = Float32Array.from(sample.dataSync());
    const expected = model.predict(sample, [3, 5]);
    const numbers = expected.dataSync();
    const tensor = await onnx.predict(sample, tf.tensor1d([3, 5]));
    expect(tensor.shape).toEqual([2, 4, 6, 2]);
    expect(relativeDifference(tensor.dataSync(), numbers)).toBeLessThan(1e-6);
    expect(relativeDifference(await onnx.predict(data, [3, 5]), numbers)).toBeLessThan(1e-6);
    const images = await onnx.predict({ data, shape: [2, 4, 6, 2] }, [3, 5]);
    expect(images.shape).toEqual([2, 4, 6, 2]);
    expect(relativeDifference(images.data, numbers)).toBeLessThan(1e-6);
    expect(await onnx.predict(data, 3)).toBeAllClose(model.predict(sample, 3).dataSync());
    await expect(async () => (await onnx.predict(sample, 3)).dispose()).toLeakNoTensors();
    await onnx.dispose();
  });
});
