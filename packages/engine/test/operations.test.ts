import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startNative } from './compile/native.ts';
import { findInstallations, nativeBackend } from '../src/node.ts';

const complete = (await findInstallations()).some(({ fault, operations }) => fault === undefined && operations);

/** Numbers that look random, the same in every run. */
const numbers = (count: number, seed = 1) =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(seed + 12.9898 * (i + seed)) * 2 + Math.cos(i));
const tensor = (shape: number[], seed?: number) => tf.tensor(numbers(tf.util.sizeFromShape(shape), seed), shape);

const run = <T>(name: string, inputs: object, attributes: object = {}) =>
  tf.engine().runKernel(name, inputs as tf.NamedTensorMap, attributes as tf.NamedAttrMap) as unknown as T;

const bytes = ({ buffer }: { buffer: ArrayBufferLike }) => Buffer.from(buffer.slice(0));

/** Group normalisation and its gradients in double precision, by their definition. */
function definition(x: tf.Tensor, scale: tf.Tensor, shift: tf.Tensor, dy: tf.Tensor, groups: number, epsilon: number) {
  const [n, h, w, channels] = x.shape as [number, number, number, number];
  const [xs, factors, shifts, ds] = [x, scale, shift, dy].map((each) => each.dataSync());
  const [y, dx] = [new Float64Array(x.size), new Float64Array(x.size)];
  const [dscale, dshift] = [new Float64Array(scale.size), new Float64Array(scale.size)];
  const size = channels / groups;
  for (let image = 0; image < n; image++) {
    for (let group = 0; group < groups; group++) {
      const at: number[] = [];
      for (let pixel = 0; pixel < h * w; pixel++) {
        for (let c = group * size; c < (group + 1) * size; c++) at.push((image * h * w + pixel) * channels + c);
      }
      const parameter = (i: number) => (scale.shape[0] === 1 ? 0 : image * channels) + (i % channels);
      const mean = at.reduce((sum, i) => sum + xs![i]!, 0) / at.length;
      const variance = at.reduce((sum, i) => sum + (xs![i]! - mean) ** 2, 0) / at.length;
      const inverse = 1 / Math.sqrt(variance + epsilon);
      const normal = (i: number) => (xs![i]! - mean) * inverse;
      const scaled = (i: number) => ds![i]! * factors![parameter(i)]!;
      const average = at.reduce((sum, i) => sum + scaled(i), 0) / at.length;
      const product = at.reduce((sum, i) => sum + scaled(i) * normal(i), 0) / at.length;
      for (const i of at) {
        y[i] = normal(i) * factors![parameter(i)]! + shifts![parameter(i)]!;
        dx[i] = (scaled(i) - average - normal(i) * product) * inverse;
        dscale[parameter(i)]! += ds![i]! * normal(i);
        dshift[parameter(i)]! += ds![i]!;
      }
    }
  }
  return { y, dx, dscale, dshift };
}

/** A 3 x 3 convolution with zeros around the images, in double precision, by its definition. */
function convolution(x: tf.Tensor, filter: tf.Tensor): Float64Array {
  const [images, height, width, inputs] = x.shape as [number, number, number, number];
  const [xs, weights, outputs] = [x.dataSync(), filter.dataSync(), filter.shape[3]!];
  const y = new Float64Array(images * height * width * outputs);
  const inside = (row: number, column: number) => row >= 0 && row < height && column >= 0 && column < width;
  for (let pixel = 0; pixel < images * height * width; pixel++) {
    const [image, top, left] = [Math.floor(pixel / height / width), Math.floor(pixel / width) % height, pixel % width];
    for (let tap = 0; tap < 9; tap++) {
      const [row, column] = [top + Math.floor(tap / 3) - 1, left + (tap % 3) - 1];
      if (!inside(row, column)) continue;
      for (let c = 0; c < inputs; c++) {
        const value = xs[((image * height + row) * width + column) * inputs + c]!;
        const at = (tap * inputs + c) * outputs;
        for (let o = 0; o < outputs; o++) y[pixel * outputs + o]! += value * weights[at + o]!;
      }
    }
  }
  return y;
}

function expectClose(actual: tf.Tensor, expected: Float64Array, relative = 2e-6): void {
  // Sums of single numbers that cancel have the rounding of these.
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  const values = actual.dataSync();
  expect(values).toHaveLength(expected.length);
  const worst = expected.reduce((most, value, i) => Math.max(most, Math.abs(values[i]! - value)), 0);
  expect(worst).toBeLessThanOrEqual(relative * largest);
}

describe.skipIf(!complete)('the operations of the native engine (needs `missing-u-engine native install`)', () => {
  beforeAll(startNative);
  beforeAll(() => {
    tf.engine().startScope();
  });
  afterAll(() => {
    tf.engine().endScope();
  });

  it.each([
    { shape: [1, 1, 1, 4], groups: 2, images: 1 },
    { shape: [2, 3, 5, 6], groups: 3, images: 2 },
    { shape: [3, 2, 2, 8], groups: 8, images: 1 },
    { shape: [2, 7, 9, 10], groups: 1, images: 1 },
    { shape: [1, 4, 4, 512], groups: 8, images: 1 },
    { shape: [3, 33, 31, 24], groups: 8, images: 3 },
  ])('normalise groups and give the gradients, $shape in $groups groups', ({ shape, groups, images }) => {
    const [x, dy] = [tensor(shape), tensor(shape, 2)];
    const [scale, shift] = [tensor([images, 1, 1, shape[3]!], 3), tensor([images, 1, 1, shape[3]!], 4)];
    const before = x.dataSync();
    const expected = definition(x, scale, shift, dy, groups, 1e-5);
    const attributes = { groups, epsilon: 1e-5 };
    expectClose(run<tf.Tensor>('GroupNormalize', { x, scale, shift }, attributes), expected.y);
    const [dx, dscale, dshift] = run<tf.Tensor[]>('GroupNormalizeGrad', { x, scale, dy }, attributes);
    expectClose(dx!, expected.dx, 1e-5);
    expectClose(dscale!, expected.dscale);
    expectClose(dshift!, expected.dshift);
    // An operation may work in the memory of what nobody needs any more; tensors of a program are needed.
    expect(Buffer.compare(bytes(x.dataSync()), bytes(before))).toBe(0);
  });

  it('keep their precision for a mean that is far from 0', () => {
    const [x, one, zero] = [tensor([2, 8, 8, 4]), tf.ones([1, 1, 1, 4]), tf.zeros([1, 1, 1, 4])];
    const near = run<tf.Tensor>('GroupNormalize', { x, scale: one, shift: zero }, { groups: 2, epsilon: 1e-5 });
    const far = run<tf.Tensor>(
      'GroupNormalize',
      { x: tf.add(x, 256), scale: one, shift: zero },
      { groups: 2, epsilon: 1e-5 },
    );
    expect(far).toBeAllClose(near, { atol: 5e-5 });
  });

  it.each([[[2, 3, 5, 3]], [[1, 1, 1, 300]], [[4, 40, 40, 16]]])(
    'add a bias, cut at zero, and go back, %j',
    (shape) => {
      const [dy, filter, bias] = [tensor(shape, 2), tf.eye(shape[3]!), tensor([shape[3]!], 3)];
      const x = tensor(shape);
      const options = { strides: [1, 1], pad: 'same', dataFormat: 'NHWC', dilations: [1, 1] };
      const inputs = { x, filter: tf.reshape(filter, [1, 1, shape[3]!, shape[3]!]), bias };
      expect(run('FusedConv2D', inputs, { ...options, activation: 'linear' })).toBeAllClose(tf.add(x, bias));
      const y = run<tf.Tensor>('FusedConv2D', inputs, { ...options, activation: 'relu' });
      expect(y).toBeAllClose(tf.relu(tf.add(x, bias)));
      const [dz, dbias] = run<tf.Tensor[]>('ReluBiasGrad', { dy, y });
      const cut = tf.mul(dy, tf.step(y));
      expect(dz).toBeAllClose(cut);
      expect(dbias).toBeAllClose(tf.sum(cut, [0, 1, 2]), { rtol: 1e-4, atol: 1e-3 });
      expect(run('ChannelSums', { x: dy })).toBeAllClose(tf.sum(dy, [0, 1, 2]), { rtol: 1e-4, atol: 1e-3 });
    },
  );

  it.each([[[2, 3, 5, 6]], [[1, 1, 1, 2]], [[4, 40, 40, 16]]])(
    'join velocity and acceleration of a state, to the digit, %j',
    (shape) => {
      const half = shape[3]! / 2;
      const apart = [...shape.slice(0, 3), half];
      const [state, branch, residual] = [tensor(shape), tensor(apart, 2), tensor(apart, 3)];
      const [bias, shift] = [tensor([half], 4), tensor([half], 5)];
      const velocity = tf.slice(state, [0, 0, 0, half], apart);
      for (const relu of [true, false]) {
        const y = run<tf.Tensor>('VelocityAcceleration', { branch, bias, residual, shift, state }, { relu });
        const biased = tf.add(branch, bias);
        const acceleration = tf.add(relu ? tf.relu(biased) : biased, tf.add(residual, shift));
        expect(y.dataSync()).toEqual(tf.concat([velocity, acceleration], 3).dataSync());
      }
    },
  );

  // Of few pixels (an own operation where the processor has AVX-512), and of too many, or of other sizes, for that.
  it.each([
    { shape: [1, 4, 4, 70], outputs: 64 },
    { shape: [2, 4, 4, 128], outputs: 288 },
    { shape: [1, 2, 4, 1], outputs: 32 },
    { shape: [1, 4, 8, 65], outputs: 96 },
    { shape: [4, 1, 8, 3], outputs: 32 },
    { shape: [0, 4, 4, 3], outputs: 32 },
    { shape: [1, 1, 4, 5], outputs: 32 },
    { shape: [1, 5, 5, 5], outputs: 33 },
    { shape: [3, 4, 4, 64], outputs: 32 },
  ])('convolve few pixels, $shape to $outputs', ({ shape, outputs }) => {
    const x = tensor(shape);
    const filter = tensor([3, 3, shape[3]!, outputs], 2);
    const options = { strides: [1, 1], pad: 'same', dataFormat: 'NHWC', dilations: [1, 1] };
    const y = run<tf.Tensor>('Conv2D', { x, filter }, options);
    expect(y.shape).toEqual([...shape.slice(0, 3), outputs]);
    expectClose(y, convolution(x, filter));
    expect(run<tf.Tensor>('Conv2D', { x, filter }, options).dataSync()).toEqual(y.dataSync());
    // What it is not for is left to TensorFlow.
    if (shape[0] === 0 || shape[1]! < 3) return;
    const inner = tf.slice(y, [0, 1, 1, 0], [shape[0]!, shape[1]! - 2, shape[2]! - 2, outputs]);
    expect(run('Conv2D', { x, filter }, { ...options, pad: 'valid' })).toBeAllClose(inner, { rtol: 1e-5, atol: 1e-3 });
  });

  it('leave what is not a number as it is', () => {
    const x = tf.tensor([Number.NaN, -1, 2, Number.POSITIVE_INFINITY], [1, 1, 2, 2]);
    const filter = tf.reshape(tf.eye(2), [1, 1, 2, 2]);
    const options = { strides: [1, 1], pad: 'same', dataFormat: 'NHWC', dilations: [1, 1], activation: 'relu' };
    const [first] = run<tf.Tensor>('FusedConv2D', { x, filter, bias: tf.zeros([2]) }, options).dataSync();
    expect(first).toBeNaN();
  });

  it.each([1, 2, 3, 4, 5, 6])('add up %i terms, each times its weight', (count) => {
    for (const shape of [[3], [5, 7, 3], [40, 1000]]) {
      const terms = Array.from({ length: count }, (_, i) => tensor(shape, i + 1));
      const weights = terms.map((_, i) => (i - 1.5) / 3);
      const expected = terms.reduce<tf.Tensor>((sum, term, i) => tf.add(sum, tf.mul(term, weights[i]!)), tf.scalar(0));
      expect(run('LinearCombination', { ...terms }, { weights })).toBeAllClose(expected, { atol: 1e-5 });
    }
  });

  it.each([
    { shapes: [[3]], averages: 0, decay: 1 },
    { shapes: [[2, 3], [], [1, 1, 5, 7]], averages: 1, decay: 1 },
    // Parts that threads share end within parameters, and parameters within parts.
    { shapes: [[40_000], [7], [0], [3, 3, 100, 101], [5]], averages: 2, decay: 0.97 },
  ])('step as Adam does, with $averages averages, $shapes', ({ shapes, averages, decay }) => {
    const parameters = shapes.map((shape, i) => tensor(shape, i + 1));
    const size = parameters.reduce((sum, each) => sum + each.size, 0);
    const [gradient, first, second] = [tensor([size], 11), tensor([size], 12), tf.square(tensor([size], 13))];
    const means = Array.from({ length: averages }, (_, i) => tensor([size], 20 + i));
    const decays = means.map((_, i) => 0.9 + i / 40);
    const [scale, rate, rootCorrection, betas, epsilon] = [0.3, 0.02, 0.7, [0.9, 0.999], 1e-8];
    const numbersOf = [tf.scalar(scale), tf.tensor1d([rate, rootCorrection, decay]), tf.tensor1d(decays)];
    const inputs = [...parameters, gradient, first, second, ...means, ...numbersOf];
    const attributes = { parameters: parameters.length, averages, betas, epsilon };
    const results = run<tf.Tensor[]>('AdamUpdate', { ...inputs }, attributes);
    expect(results.map(({ shape }) => shape)).toEqual([...shapes, ...new Array<number[]>(2 + averages).fill([size])]);

    // The definition, in double precision.
    const [p, g, m, v] = [parameters.flatMap((each) => [...each.dataSync()]), ...[gradient, first, second].map((each) => each.dataSync())]; // prettier-ignore
    const [next, newFirst, newSecond] = [new Float64Array(size), new Float64Array(size), new Float64Array(size)];
    for (let i = 0; i < size; i++) {
      const clipped = scale * g![i]!;
      newFirst[i] = betas[0]! * m![i]! + (1 - betas[0]!) * clipped;
      newSecond[i] = betas[1]! * v![i]! + (1 - betas[1]!) * clipped ** 2;
      next[i] = decay * p[i]! - (rate * newFirst[i]!) / (Math.sqrt(newSecond[i]!) / rootCorrection + epsilon);
    }
    const flat = tf.concat1d(results.slice(0, shapes.length).map((each) => tf.reshape(each, [-1])));
    expectClose(flat, next, 1e-6);
    expectClose(results[shapes.length]!, newFirst, 1e-6);
    expectClose(results[shapes.length + 1]!, newSecond, 1e-6);
    means.forEach((mean, k) => {
      const old = mean.dataSync();
      const expected = next.map((value, i) => decays[k]! * old[i]! + (1 - decays[k]!) * value);
      expectClose(results[shapes.length + 2 + k]!, expected, 1e-6);
    });
  });

  it.each([0, 1, 255, 1000, 123_457])('measure the length of a vector of %i numbers', (size) => {
    const x = tensor([size]);
    const expected = Math.sqrt(x.dataSync<'float32'>().reduce((sum, value) => sum + value * value, 0));
    expect(run<tf.Tensor>('VectorNorm', { x })).toBeAllClose(expected, { rtol: 3e-7, atol: 0 });
    expect(run<tf.Tensor>('VectorNorm', { x: tf.concat1d([x as tf.Tensor1D, [Number.NaN]]) }).dataSync()[0]).toBeNaN();
  });

  it('give the same digits at every call, whatever threads do', () => {
    const [x, scale, dy] = [tensor([16, 32, 32, 16]), tensor([1, 1, 1, 16], 2), tensor([16, 32, 32, 16], 3)];
    const once = () =>
      tf.tidy(() => {
        const results = run<tf.Tensor[]>('GroupNormalizeGrad', { x, scale, dy }, { groups: 4, epsilon: 1e-5 });
        return Buffer.concat(results.map((each) => bytes(each.dataSync())));
      });
    const first = once();
    for (let i = 0; i < 20; i++) expect(once().equals(first)).toBe(true);
  });

  it('refuse shapes that do not fit together, and the engine works on', () => {
    const x = tensor([1, 2, 2, 6]);
    const wrong = { x, scale: tf.ones([1, 1, 1, 5]), shift: tf.ones([1, 1, 1, 5]) };
    expect(() => run('GroupNormalize', wrong, { groups: 2, epsilon: 1e-5 })).toThrow(/scale and shift/);
    const right = { x, scale: tf.ones([1, 1, 1, 6]), shift: tf.ones([1, 1, 1, 6]) };
    expect(() => run('GroupNormalize', right, { groups: 4, epsilon: 1e-5 })).toThrow(/a divisor of C/);
    const [apart, bias] = [tensor([1, 2, 2, 2]), tf.ones([2])];
    const unfit = { branch: apart, bias, residual: apart, shift: bias, state: x };
    expect(() => run('VelocityAcceleration', unfit, { relu: true })).toThrow(/half of the state's channels/);
    expect(() => run('ReluBiasGrad', { dy: x, y: tensor([1, 2, 2, 5]) })).toThrow(/same shape/);
    const [two, three, one] = [tf.ones([2]), tf.ones([3]), tf.scalar(1)];
    const adam = { parameters: 1, averages: 0, betas: [0.9, 0.999], epsilon: 1e-8 };
    const none = tf.tensor1d([]);
    expect(() => run('AdamUpdate', { ...[two, three, two, two, one, three, none] }, adam)).toThrow(/as long as all/);
    expect(() => run('AdamUpdate', { ...[two, two, two, two, one, two, none] }, adam)).toThrow(
      /coefficients are three/,
    );
    expect(() => run('LinearCombination', { 0: x, 1: tensor([3]) }, { weights: [1, 2] })).toThrow(/one shape/);
    expect(tf.sum(run<tf.Tensor>('LinearCombination', { 0: x, 1: x }, { weights: [1, -1] })).dataSync()[0]).toBe(0);
  });

  it('leave nothing behind', () => {
    const count = () => nativeBackend()!.binding.getNumOfTensors();
    const [x, scale] = [tensor([2, 4, 4, 4]), tf.ones([1, 1, 1, 4])];
    const inputs = { x, scale, shift: scale, dy: x };
    const all = () =>
      tf.tidy(() => {
        run('GroupNormalize', inputs, { groups: 2, epsilon: 1e-5 });
        run('GroupNormalizeGrad', inputs, { groups: 2, epsilon: 1e-5 });
        run('ReluBiasGrad', { dy: x, y: x });
        run('ChannelSums', { x });
        const half = tf.slice(x, [0, 0, 0, 0], [2, 4, 4, 2]);
        const parts = { branch: half, bias: tf.ones([2]), residual: half, shift: tf.ones([2]) };
        run('VelocityAcceleration', { ...parts, state: x }, { relu: true });
        run('LinearCombination', { 0: x, 1: x }, { weights: [1, 2] });
        run('VectorNorm', { x });
        const [one, three] = [tf.ones([1]), tf.ones([3])];
        const adam = { parameters: 1, averages: 1, betas: [0.9, 0.999], epsilon: 1e-8 };
        run('AdamUpdate', { ...[one, one, one, one, one, one, three, one] }, adam);
      });
    all();
    const before = count();
    all();
    expect(count()).toBe(before);
  });
});
