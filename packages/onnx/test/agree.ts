import { createGenerator } from '@missing-u/random';
import { timestepTensor, type Denoiser } from '@missing-u/unet-blocks';
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { OnnxDenoiser, toOnnx, type ExportOptions } from '@missing-u/onnx';

/** Normal numbers, the same at every call. */
export function normal(shape: number[], seed = 1): tf.Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return tf.tensor(createGenerator(seed).fillNormal(new Float32Array(size)), shape);
}

/** A function as it is, which may change the size of its images, unlike that of a denoiser. */
export function asItIs(predict: (x: tf.Tensor4D, t: tf.Tensor1D) => tf.Tensor): Denoiser {
  return { predict: (x, t) => tf.tidy(() => predict(x, timestepTensor(t, x.shape[0])) as tf.Tensor4D) };
}

/** Largest difference, in units of the largest number that is expected. */
export function relativeDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  let [largest, difference] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    largest = Math.max(largest, Math.abs(expected[i]!));
    const apart = Math.abs(actual[i]! - expected[i]!);
    if (!(apart <= difference)) difference = apart;
  }
  return difference / largest;
}

export interface Agreement {
  height: number;
  width?: number;
  channels: number;
  batches?: readonly number[];
  /** How far the two may be apart. */
  tolerance?: number;
  /** A condition for a number of images. */
  condition?: (images: number) => Record<string, tf.Tensor>;
}

/** Exports a denoiser, and expects the file's predictions to be those of the eager calls; returns the file. */
export async function expectAgreement(
  denoiser: Denoiser,
  options: ExportOptions,
  { height, width = height, channels, batches = [1, 3], tolerance = 1e-5, condition }: Agreement,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await toOnnx(denoiser, { imageSize: [height, width], channels, ...options });
  const onnx = await OnnxDenoiser.load(bytes, { threads: 1 });
  const predict = denoiser.predict.bind(denoiser) as (...args: unknown[]) => tf.Tensor4D;
  for (const images of batches) {
    const sample = normal([images, height, width, channels]) as tf.Tensor4D;
    const times = Array.from({ length: images }, (_, i) => 7 + 13 * i);
    const given = condition?.(images);
    const expected = given === undefined ? predict(sample, times) : predict(sample, times, given);
    const actual = await onnx.predict(sample, times, given);
    expect(actual.shape).toEqual(expected.shape);
    expect(relativeDifference(actual.dataSync(), expected.dataSync()), `${images} images`).toBeLessThan(tolerance);
    tf.dispose([sample, expected, actual, given ?? {}]);
  }
  await onnx.dispose();
  return bytes;
}
