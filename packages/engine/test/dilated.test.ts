/**
 * Gradients of dilated convolutions, against those of an equal convolution that is not dilated: the one whose filter has
 * zeros between its taps. On every engine that runs here.
 */
import * as tf from '@tensorflow/tfjs-core';
import { createGenerator } from '@missing-u/random';
import { beforeAll, describe, expect, it } from 'vitest';
import { useEngine } from '../src/index.ts';
import { findInstallations } from '../src/node.ts';

const installed = (await findInstallations()).some(({ fault }) => fault === undefined);
const engines = installed ? (['cpu', 'wasm', 'native'] as const) : (['cpu', 'wasm'] as const);
type Pad = 'same' | 'valid' | number;
type Convolve = (x: tf.Tensor4D, w: tf.Tensor4D, pad: Pad, dilations: [number, number]) => tf.Tensor4D;

const random = createGenerator(5);

function draw(...shape: [number, number, number, number]): tf.Tensor4D {
  return tf.tensor4d(random.fillNormal(new Float32Array(tf.util.sizeFromShape(shape))), shape);
}

/** A filter with `dilation - 1` zeros between its taps. */
function spread(filter: tf.Tensor, [dilationY, dilationX]: [number, number]): tf.Tensor4D {
  const [h, w, a, b] = filter.shape as [number, number, number, number];
  const [height, width] = [(h - 1) * dilationY + 1, (w - 1) * dilationX + 1];
  const places = Array.from({ length: h * w }, (_, i) => Math.floor(i / w) * dilationY * width + (i % w) * dilationX);
  const taps = tf.oneHot(tf.tensor1d(places, 'int32'), height * width); // [h * w, height * width]
  const flat = tf.reshape(filter, [h * w, a * b]);
  return tf.reshape(tf.matMul(tf.cast(taps, 'float32'), flat, true), [height, width, a, b]);
}

function compare(convolve: Convolve, x: tf.Tensor4D, w: tf.Tensor4D, pad: Pad, dilations: [number, number]): void {
  const dilated = (x: tf.Tensor, w: tf.Tensor) => convolve(x as tf.Tensor4D, w as tf.Tensor4D, pad, dilations);
  const equal = (x: tf.Tensor, w: tf.Tensor) => convolve(x as tf.Tensor4D, spread(w, dilations), pad, [1, 1]);
  const value = dilated(x, w);
  expect(value).toBeAllClose(equal(x, w), { rtol: 1e-4, atol: 1e-4 });
  const dy = draw(...value.shape);
  const expected = tf.grads(equal)([x, w], dy);
  tf.grads(dilated)([x, w], dy).forEach((actual, i) => {
    expect(actual.shape).toEqual(expected[i]!.shape);
    expect(actual).toBeAllClose(expected[i]!, { rtol: 1e-4, atol: 1e-4 });
  });
}

const cases: [Pad, [number, number]][] = [
  ['same', [2, 2]],
  ['valid', [2, 2]],
  ['same', [1, 3]],
  ['valid', [3, 1]],
  [3, [2, 2]],
  [5, [2, 2]],
];

describe.each(engines)('on %s', (engine) => {
  beforeAll(() => useEngine(engine));

  it.each(cases)('conv2d, padding %s, dilations %j', (pad, dilations) => {
    tf.tidy(() => {
      const convolve: Convolve = (x, w, padding, rate) => tf.conv2d(x, w, 1, padding, 'NHWC', rate);
      compare(convolve, draw(2, 9, 8, 3), draw(3, 2, 3, 4), pad, dilations);
    });
  });

  it.each(cases)('depthwiseConv2d, padding %s, dilations %j', (pad, dilations) => {
    tf.tidy(() => {
      const convolve: Convolve = (x, w, padding, rate) => tf.depthwiseConv2d(x, w, 1, padding, 'NHWC', rate);
      compare(convolve, draw(2, 9, 8, 3), draw(3, 2, 3, 2), pad, dilations);
    });
  });

  it('has second derivatives, and lets go of all tensors', async () => {
    const [x, w] = [draw(1, 5, 5, 2), draw(3, 3, 2, 2)];
    const curvature = (dilations: [number, number], filter: tf.Tensor4D) =>
      tf.grad((x) => {
        const f = (y: tf.Tensor) =>
          tf.sum(tf.square(tf.conv2d(y as tf.Tensor4D, filter, 1, 'same', 'NHWC', dilations)));
        return tf.sum(tf.square(tf.grad(f)(x)));
      })(x);
    tf.tidy(() => {
      const expected = curvature([1, 1], spread(w, [2, 2]));
      expect(curvature([2, 2], w)).toBeAllClose(expected, { rtol: 1e-3, atol: 1e-2 });
    });
    await expect(() => tf.tidy(() => void curvature([2, 2], w))).toLeakNoTensors();
    tf.dispose([x, w]);
  });
});
