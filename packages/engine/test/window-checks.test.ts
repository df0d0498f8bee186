import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { backends, startAll } from './engines.ts';

beforeAll(startAll);

/** Ones of the given sizes. */
const images = (...shape: [number, number, number, number]): tf.Tensor4D => tf.ones(shape);
const small = () => images(1, 2, 8, 1);
const volume = () => tf.ones<tf.Rank.R5>([1, 2, 8, 8, 1]);
const filter = () => images(3, 3, 1, 1);

it.each([
  ['conv2d', () => tf.conv2d(small(), filter(), 1, 'valid')],
  ['conv2d, dilated', () => tf.conv2d(images(1, 4, 8, 1), filter(), 1, 'valid', 'NHWC', 2)],
  ['fused.conv2d', () => tf.fused.conv2d({ x: small(), filter: filter(), strides: 1, pad: 0 })],
  ['depthwiseConv2d', () => tf.depthwiseConv2d(small(), filter(), 1, 'valid')],
  ['maxPool', () => tf.maxPool(small(), 4, 1, 'valid')],
  ['avgPool', () => tf.avgPool(images(1, 3, 1, 3), [1, 4], [1, 3], 0)],
  ['maxPool3d', () => tf.maxPool3d(volume(), 3, 1, 'valid')],
  ['conv3d', () => tf.conv3d(volume(), tf.ones([3, 3, 3, 1, 1]), 1, 'valid')],
  ['dilation2d', () => tf.dilation2d(small(), tf.ones([3, 3, 1]), 1, 'valid')],
] as [string, () => tf.Tensor][])('%s refuses images that its window does not fit into', async (_name, run) => {
  for (const backend of ['cpu', ...backends]) {
    await tf.setBackend(backend);
    expect(() => tf.tidy(run), backend).toThrow(
      expect.objectContaining({
        code: 'ENGINE_WINDOW',
        message: expect.stringMatching(
          /`x` is a tensor of shape \[.*\], but has to be of \d pixels or more along axis/,
        ) as string,
      }),
    );
  }
});

it('conv1d speaks of sequences, and not of the images that it makes of them', async () => {
  const kernel = tf.ones<tf.Rank.R3>([5, 1, 1]);
  const text = 'of 5 entries or more along axis 1 for the window of Conv1D, padding included (it is 3)';
  for (const backend of ['cpu', ...backends]) {
    await tf.setBackend(backend);
    const run = (...shape: [number, number] | [number, number, number]) =>
      tf.conv1d(tf.ones<tf.Rank.R3>(shape as [number, number, number]), kernel, 1, 'valid');
    for (const refused of [() => run(1, 3, 1), () => run(3, 1)]) {
      expect(() => tf.tidy(refused), backend).toThrow(`\`x\` is a tensor of shape [1, 3, 1], but has to be ${text}`);
    }
    expect(() => tf.tidy(() => tf.conv2d(images(1, 1, 3, 1), images(1, 5, 1, 1), 1, 'valid')), backend).toThrow(
      '5 pixels or more along axis 2 for the window of Conv2D',
    );
  }
});

it('an image as large as the window is one window, and empty images with same padding are none', async () => {
  for (const backend of ['cpu', ...backends]) {
    await tf.setBackend(backend);
    tf.tidy(() => {
      expect(tf.conv2d(images(1, 3, 3, 1), filter(), 2, 'valid')).toBeAllClose([[[[9]]]]);
      expect(tf.maxPool(images(1, 1, 1, 1), 3, 1, 1)).toBeAllClose([[[[1]]]]);
      expect(tf.maxPool(images(0, 4, 4, 1), 2, 1, 'same').shape).toEqual([0, 4, 4, 1]);
    });
  }
});

it.each(['maxPool', 'avgPool'] as const)('%s refuses windows of padding alone', async (pool) => {
  for (const backend of ['cpu', ...backends]) {
    await tf.setBackend(backend);
    expect(() => tf.tidy(() => tf[pool](images(1, 3, 4, 3), 2, 3, 2)), backend).toThrow(
      expect.objectContaining({
        code: 'ENGINE_WINDOW',
        message: expect.stringContaining('`pad` is 2, but has to be less than the window') as string,
      }),
    );
  }
});

it.each(['ceil', 'round'] as const)('sizes are rounded by %s, or not at all', async (mode) => {
  const image = (size: number) => images(1, size, size, 1);
  const runs = {
    pool: (size: number) => tf.avgPool(image(size), 2, 2, 0, mode),
    convolution: (size: number) => tf.conv2d(image(size), images(2, 2, 1, 1), 2, 0, 'NHWC', 1, mode),
  };
  for (const run of Object.values(runs)) {
    await tf.setBackend('cpu');
    expect(tf.tidy(() => run(5)).shape).toEqual([1, 3, 3, 1]);
    for (const backend of backends) {
      await tf.setBackend(backend);
      expect(tf.tidy(() => run(4)).shape).toEqual([1, 2, 2, 1]);
      expect(() => tf.tidy(() => run(5)), backend).toThrow(
        expect.objectContaining({
          code: 'ENGINE_WINDOW',
          message: expect.stringContaining(`\`dimRoundingMode\` is '${mode}', but has to be 'floor'`) as string,
        }),
      );
    }
  }
});
