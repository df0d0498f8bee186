import * as tf from '@tensorflow/tfjs-core';
import { gradCheck } from '@missing-u/autodiff';
import { describe, expect, it } from 'vitest';
import {
  attend,
  convolve,
  doubleBilinear,
  doubleNearest,
  gelu,
  groupNormalize,
  halveByMean,
  silu,
} from '@missing-u/unet-blocks';
import { random } from './random.ts';

describe('groupNormalize', () => {
  it('gives every group mean 0 and variance 1, then scale and shift', () => {
    const x = random<tf.Rank.R4>([2, 3, 5, 6]);
    const y = groupNormalize(x, tf.fill([1, 1, 1, 6], 2), tf.fill([1, 1, 1, 6], 3), 2, 0);
    const { mean, variance } = tf.moments(tf.reshape(y, [2, 15, 2, 3]), [1, 3]);
    expect(mean).toBeAllClose(tf.fill([2, 2], 3), { atol: 1e-5 });
    expect(variance).toBeAllClose(tf.fill([2, 2], 4), { rtol: 1e-4 });
  });

  it('keeps its precision for a mean that is far from 0', () => {
    const x = random<tf.Rank.R4>([1, 4, 4, 4]);
    const [scale, shift] = [tf.ones<tf.Rank.R4>([1, 1, 1, 4]), tf.zeros<tf.Rank.R4>([1, 1, 1, 4])];
    const far = groupNormalize(tf.add(x, 256), scale, shift, 2, 1e-5);
    expect(far).toBeAllClose(groupNormalize(x, scale, shift, 2, 1e-5), { atol: 2e-4 });
  });

  it.each([1, 2, 4])('has the gradient of finite differences with %i groups', (groups) => {
    const f = (x: tf.Tensor4D, scale: tf.Tensor4D, shift: tf.Tensor4D) => groupNormalize(x, scale, shift, groups, 1e-5);
    const x = random<tf.Rank.R4>([2, 3, 2, 4]);
    gradCheck(f, [x, random<tf.Rank.R4>([2, 1, 1, 4], 2), random<tf.Rank.R4>([2, 1, 1, 4], 3)]);
    gradCheck(f, [x, random<tf.Rank.R4>([1, 1, 1, 4], 2), random<tf.Rank.R4>([1, 1, 1, 4], 3)]);
  });

  it('has the second derivative of finite differences', () => {
    const [scale, shift] = [random<tf.Rank.R4>([1, 1, 1, 2], 2), random<tf.Rank.R4>([1, 1, 1, 2], 3)];
    const slope = tf.grad((x: tf.Tensor) => {
      const y = groupNormalize(x as tf.Tensor4D, scale, shift, 1, 1e-5);
      return tf.sum(tf.mul(y, tf.mul(y, y)));
    });
    gradCheck((x) => slope(x), [random<tf.Rank.R4>([1, 2, 2, 2])]);
  });
});

describe('convolve', () => {
  const [filter, bias] = [() => random<tf.Rank.R4>([3, 3, 2, 3], 2), () => random<tf.Rank.R1>([3], 3)];

  it('is a convolution plus a bias', () => {
    const x = random<tf.Rank.R4>([2, 4, 4, 2]);
    expect(convolve(x, filter(), bias())).toBeAllClose(tf.add(tf.conv2d(x, filter(), 1, 'same'), bias()));
  });

  it('cuts at zero in the same pass, forwards and backwards', () => {
    const x = random<tf.Rank.R4>([2, 4, 4, 2]);
    const fused = (...args: [tf.Tensor4D, tf.Tensor4D, tf.Tensor1D]) => convolve(...args, 1, 'same', 'relu');
    const apart = (...args: [tf.Tensor4D, tf.Tensor4D, tf.Tensor1D]) => tf.relu(convolve(...args));
    expect(fused(x, filter(), bias())).toBeAllClose(apart(x, filter(), bias()));
    const weights = random<tf.Rank.R4>([2, 4, 4, 3], 4);
    const gradients = (f: typeof fused) =>
      tf.grads((...args) => tf.sum(tf.mul(f(...(args as Parameters<typeof fused>)), weights)))([x, filter(), bias()]);
    const [expected, found] = [gradients(apart), gradients(fused)];
    expected.forEach((gradient, i) => expect(found[i]!).toBeAllClose(gradient, { atol: 1e-5 }));
  });

  it.each([
    [1, 'same'],
    [1, 'valid'],
    [2, 'valid'],
  ] as const)('has the gradient of finite differences at stride %i, %s', (stride, pad) => {
    const f = (x: tf.Tensor4D, w: tf.Tensor4D, b: tf.Tensor1D) => convolve(x, w, b, stride, pad);
    gradCheck(f, [random<tf.Rank.R4>([2, 5, 5, 2]), filter(), bias()]);
  });
});

describe('resampling', () => {
  it('doubles bilinearly as PyTorch does: quarters and three quarters, repeated edges', () => {
    const x = tf.tensor4d([1, 3, 9], [1, 1, 3, 1]);
    const row = [1, 1.5, 2.5, 4.5, 7.5, 9];
    expect(doubleBilinear(x)).toBeAllClose(tf.tensor4d([...row, ...row], [1, 2, 6, 1]));
  });

  it('halves by means and doubles by repetition', () => {
    expect(halveByMean(tf.tensor4d([1, 2, 3, 6], [1, 2, 2, 1]))).toBeAllClose([3]);
    expect(doubleNearest(tf.tensor4d([1, 2], [1, 1, 2, 1]))).toBeAllClose([1, 1, 2, 2, 1, 1, 2, 2]);
  });

  it.each([
    ['doubleBilinear', doubleBilinear],
    ['doubleNearest', doubleNearest],
    ['halveByMean', halveByMean],
  ])('%s has the gradient of finite differences, and the second derivative', (_, resample) => {
    gradCheck(resample, [random<tf.Rank.R4>([2, 4, 6, 2])]);
    const slope = tf.grad((x: tf.Tensor) => tf.sum(tf.pow(resample(x as tf.Tensor4D), 3)));
    gradCheck((x) => slope(x), [random<tf.Rank.R4>([1, 2, 4, 1])]);
  });
});

describe('activations', () => {
  it('silu and gelu have the values of their formulas', () => {
    // x·σ(x) and x·Φ(x) at -1, 0.5 and 2 in float64.
    const x = tf.tensor1d([-1, 0.5, 2]);
    expect(silu(x)).toBeAllClose([-0.2689414214, 0.3112296656, 1.761594156]);
    expect(gelu(x)).toBeAllClose([-0.1586552539, 0.3457312306, 1.9544997361]);
  });

  it('silu has the gradient of finite differences, twice', () => {
    gradCheck(silu, [random<tf.Rank.R1>([12])]);
    const slope = tf.grad((x: tf.Tensor) => tf.sum(silu(x)));
    gradCheck((x) => slope(x), [random<tf.Rank.R1>([12])]);
  });
});

describe('attend', () => {
  const qkv = () =>
    [1, 2, 3].map((seed) => random<tf.Rank.R3>([2, 5, 3], seed)) as [tf.Tensor3D, tf.Tensor3D, tf.Tensor3D];

  it('is softmax(scale · q kᵀ) v, whatever the size of the blocks', () => {
    const [q, k, v] = qkv();
    const whole = tf.matMul(tf.softmax(tf.mul(tf.matMul(q, k, false, true), 0.7)), v);
    for (const block of [1, 2, 5, 1024]) expect(attend(q, k, v, 0.7, block)).toBeAllClose(whole);
  });

  it.each([2, 1024])('has the gradient of finite differences with blocks of %i', (block) => {
    gradCheck((q: tf.Tensor3D, k: tf.Tensor3D, v: tf.Tensor3D) => attend(q, k, v, 0.7, block), qkv());
  });

  it('takes memory for some blocks of scores at a time, backwards as forwards', async () => {
    const [q, k, v] = [1, 2, 3].map((seed) => random<tf.Rank.R3>([1, 256, 2], seed)) as ReturnType<typeof qkv>;
    const base = tf.memory().numBytes;
    const gradient = tf.grads((...args) => tf.sum(attend(...(args as ReturnType<typeof qkv>), 0.7, 16)));
    const { peakBytes } = await tf.profile(() => {
      tf.dispose(gradient([q, k, v]));
      return tf.scalar(0);
    });
    expect(peakBytes - base).toBeLessThan(8 * (4 * 16 * 256));
  });
});

describe('memory', () => {
  it('is given back', async () => {
    const x = random<tf.Rank.R4>([1, 4, 4, 2]);
    await expect(() => tf.dispose(doubleBilinear(x))).toLeakNoTensors();
    await expect(() => {
      const gradient = tf.grad((y: tf.Tensor) => tf.sum(silu(doubleNearest(halveByMean(y as tf.Tensor4D)))))(x);
      gradient.dispose();
    }).toLeakNoTensors();
  });
});
