import { useEngine } from '@missing-u/engine';
import { fromFunction, type Denoiser } from '@missing-u/unet-blocks';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { OnnxDenoiser, toOnnx } from '@missing-u/onnx';

beforeAll(async () => {
  await useEngine('wasm', { threads: 1 });
});

const size = { imageSize: [2, 3] as const, channels: 2 };
const perImage = (x: tf.Tensor) => tf.reshape(x, [-1, 1, 1, 1]);
const numbers = (images: number) => Float32Array.from({ length: images * 12 }, (_, i) => i / 8);
const upTo = (images: number, from: number) => Array.from({ length: images }, (_, i) => from + i);

describe.each([1, 2, 4])('a model that takes %i images', (batch) => {
  it('is called as often as any number of them needs', async () => {
    const model = fromFunction((x, t) => tf.add(tf.mul(x, 2), perImage(t)));
    const [fixed, any] = await Promise.all(
      [batch, 'dynamic' as const].map(async (count) =>
        OnnxDenoiser.load(await toOnnx(model, { ...size, batch: count }), { threads: 1 }),
      ),
    );
    for (const images of [1, 2, 3, 4, 5]) {
      for (const times of [3, upTo(images, 1)]) {
        expect(await fixed!.predict(numbers(images), times)).toEqual(await any!.predict(numbers(images), times));
      }
    }
    const sample = tf.tensor4d(numbers(3), [3, 2, 3, 2]);
    const [actual, expected] = [await fixed!.predict(sample, 1), await any!.predict(sample, 1)];
    expect(actual.shape).toEqual([3, 2, 3, 2]);
    expect([...actual.dataSync()]).toEqual([...expected.dataSync()]);
    tf.dispose([sample, actual, expected]);
    await Promise.all([fixed!.dispose(), any!.dispose()]);
  });

  it('takes the conditions of each of them', async () => {
    const labelled = {
      predict: (x: tf.Tensor4D, _t: tf.Tensor1D, { label, hint }: Record<string, tf.Tensor>) =>
        tf.add(tf.add(x, hint!), perImage(tf.sum(label!, 1))),
    } as unknown as Denoiser;
    const conditions = { label: { shape: [2] }, hint: { shape: [2, 3, 2] } };
    const onnx = await OnnxDenoiser.load(await toOnnx(labelled, { ...size, batch, conditions }), { threads: 1 });
    const [x, label] = [numbers(5), upTo(10, 0)];
    const result = await onnx.predict(x, 1, { label, hint: x });
    expect([...result]).toEqual([...x].map((value, i) => 2 * value + 4 * Math.floor(i / 12) + 1));
    const wrong = onnx.predict(x, 1, { label: [1, 2, 3, 4], hint: x });
    await expect(wrong).rejects.toMatchObject({
      code: 'ONNX_INPUT',
      message: expect.stringMatching(/label` .* \[5, 2\] for 5 images/) as string,
    });
    if (batch === 1) expect((await onnx.predict(x, 1, { label: [1, 2], hint: x }))[59]).toBe(2 * x[59]! + 3);
    await onnx.dispose();
  });
});
