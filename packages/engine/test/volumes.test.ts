/** Convolutions and pooling in three dimensions on every engine, against loops: forward and gradient. */
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backends, draw, startAll } from './engines.ts';
import { litter } from './litter.ts';

beforeAll(startAll);

afterAll(async () => {
  await tf.setBackend('cpu');
});

type Triple = [number, number, number];
type Pad = 'same' | 'valid';

const depthHeightWidth: Triple = [4, 5, 3];
const images = 2;

/** Along one axis: how long the result is, and where its first window begins. */
function along(length: number, window: number, stride: number, pad: Pad): [out: number, begin: number] {
  if (pad === 'valid') return [Math.floor((length - window) / stride) + 1, 0];
  const out = Math.ceil(length / stride);
  return [out, -Math.floor(Math.max(0, (out - 1) * stride + window - length) / 2)];
}

/** All places of a block, in the order of memory. */
function places([depth, height, width]: Triple): Triple[] {
  return Array.from({ length: depth * height * width }, (_, i) => [
    Math.floor(i / (height * width)),
    Math.floor(i / width) % height,
    i % width,
  ]);
}

function index([z, y, x]: Triple, [, height, width]: Triple): number {
  return (z * height + y) * width + x;
}

/** Each window's taps that lie in an image of `size`: which place of the result, which tap and which place of the image. */
function taps(size: Triple, window: Triple, strides: Triple, pad: Pad) {
  const axes = size.map((length, i) => along(length, window[i]!, strides[i]!, pad));
  const out = axes.map(([length]) => length) as Triple;
  const list = places(out).flatMap((at) =>
    places(window).flatMap((tap) => {
      const place = at.map((position, i) => position * strides[i]! + axes[i]![1] + tap[i]!) as Triple;
      const inside = place.every((position, i) => position >= 0 && position < size[i]!);
      return inside ? [{ to: index(at, out), tap: index(tap, window), from: index(place, size) }] : [];
    }),
  );
  return { out, list };
}

const cases: [Triple, Triple, Pad][] = [
  [[2, 2, 2], [1, 1, 1], 'same'],
  [[3, 1, 2], [1, 1, 1], 'valid'],
  [[2, 3, 2], [2, 2, 2], 'same'],
  [[2, 2, 3], [1, 2, 1], 'valid'],
  [[2, 1, 1], [1, 3, 1], 'same'],
  [[1, 2, 1], [3, 1, 2], 'same'],
  [[1, 1, 1], [2, 2, 2], 'same'],
  [[1, 2, 1], [2, 4, 2], 'valid'],
]; // prettier-ignore

describe('convolution', () => {
  it.each(cases)('by %j, strides %j, padding %s', async (window, strides, pad) => {
    const [c, k] = [2, 3];
    const { out, list } = taps(depthHeightWidth, window, strides, pad);
    const shapes = [[images, ...depthHeightWidth, c], [...window, c, k], [images, ...out, k]]; // prettier-ignore
    const [x, w, dy] = shapes.map((shape) => tf.tidy(() => draw(...shape).dataSync()));
    const [y, dx, dw] = [dy, x, w].map((values) => new Float64Array(values!.length));
    const [pixels, results] = [depthHeightWidth, out].map((size) => tf.util.sizeFromShape(size));
    for (let n = 0; n < images; n++) {
      for (const { to, tap, from } of list) {
        for (let i = 0; i < c; i++) {
          for (let j = 0; j < k; j++) {
            const [atX, atW, atY] = [(n * pixels! + from) * c + i, (tap * c + i) * k + j, (n * results! + to) * k + j];
            y![atY]! += x![atX]! * w![atW]!;
            dx![atX]! += dy![atY]! * w![atW]!;
            dw![atW]! += dy![atY]! * x![atX]!;
          }
        }
      }
    }
    const convolve = (image: tf.Tensor, filter: tf.Tensor) =>
      tf.conv3d(image as tf.Tensor5D, filter as tf.Tensor5D, strides, pad);
    for (const backend of ['cpu', ...backends]) {
      await tf.setBackend(backend);
      if (backend === 'wasm') litter();
      tf.tidy(() => {
        const [image, filter, slope] = [x, w, dy].map((values, i) => tf.tensor(values!, shapes[i])); // prettier-ignore
        const actual = [convolve(image!, filter!), ...tf.grads(convolve)([image!, filter!], slope)];
        actual.forEach((tensor, i) => {
          expect(tensor.shape).toEqual(shapes[[2, 0, 1][i]!]);
          expect(tensor, backend).toBeAllClose([y, dx, dw][i]!, { rtol: 1e-4, atol: 1e-4 });
        });
      });
    }
  });
});

describe('pooling with strides longer than the window', () => {
  it.each([
    [
      [1, 1, 1],
      [2, 2, 2],
    ],
    [
      [1, 1, 2],
      [3, 2, 3],
    ],
  ] as [Triple, Triple][])('of %j, strides %j', async (window, strides) => {
    const { out, list } = taps(depthHeightWidth, window, strides, 'same');
    const [shape, result] = [depthHeightWidth, out].map((size): [1, ...Triple, 1] => [1, ...size, 1]);
    // Positive, because wasm begins its search for the largest at zero.
    const [x, dy] = [shape, result].map((each) => tf.tidy(() => tf.abs(draw(...each!)).dataSync()));
    const count = tf.util.sizeFromShape(window);
    const [mean, meanSlope] = [new Float64Array(dy!.length), new Float64Array(x!.length)];
    const [largest, largestSlope] = [new Float64Array(dy!.length), new Float64Array(x!.length)];
    for (const { to, from } of list) {
      mean[to]! += x![from]! / count;
      meanSlope[from]! += dy![to]! / count;
      largest[to] = Math.max(largest[to]!, x![from]!);
    }
    for (const { to, from } of list) if (x![from] === largest[to]) largestSlope[from]! += dy![to]!;
    for (const backend of ['cpu', ...backends]) {
      await tf.setBackend(backend);
      if (backend === 'wasm') litter();
      tf.tidy(() => {
        const [image, slope] = [tf.tensor(x!, shape), tf.tensor(dy!, result)];
        for (const [name, expected] of [
          ['avgPool3d', [mean, meanSlope]],
          ['maxPool3d', [largest, largestSlope]],
        ] as const) {
          const pool = (at: tf.Tensor) => tf[name](at as tf.Tensor5D, window, strides, 'same');
          [pool(image), tf.grad(pool)(image, slope)].forEach((tensor, i) => {
            expect(tensor, `${name} on ${backend}`).toBeAllClose(expected[i]!, { rtol: 1e-4, atol: 1e-4 });
          });
        }
      });
    }
  });
});
