/** What train.mjs and evaluate.mjs share: pictures read in grey, and methods compared on them. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { decodeImage } from '@missing-u/datasets';
import { bm3d } from '@missing-u/denoisers';
import { createGenerator } from '@missing-u/random';

/** A picture, or all of a folder, in grey; cut into images of a height where one is given. */
export async function read(path, cut) {
  if ((await stat(path)).isDirectory()) {
    const names = (await readdir(path)).sort();
    return (await Promise.all(names.map((name) => read(join(path, name), cut)))).flat();
  }
  const { data, shape } = await decodeImage(await readFile(path), path, 1);
  const [height, width] = shape;
  const tall = cut ?? height;
  return Array.from({ length: Math.floor(height / tall) }, (_, i) => {
    const pixels = data.subarray(i * tall * width, (i + 1) * tall * width);
    return { data: Float32Array.from(pixels, (byte) => byte / 255), width, height: tall, channels: 1, path };
  });
}

/**
 * Mean squared errors and PSNR over pictures with noise: of the noise itself, a network, and BM3D's two stages.
 * Each method comes with its PSNR of each picture.
 */
export function compare(model, held, { sigma, clip, seed = 1 }) {
  const methods = {
    noise: (image) => image.data,
    network: (image) =>
      tf.tidy(() => model.denoise(tf.tensor4d(image.data, [1, image.height, image.width, 1])).dataSync()),
    'BM3D, stage 1': (image) => bm3d(image, sigma, { stage: 'hard-threshold' }).data,
    BM3D: (image) => bm3d(image, sigma).data,
  };
  const generator = createGenerator(seed);
  const noisy = held.map((image) => {
    const noise = generator.fillNormal(new Float32Array(image.data.length));
    const data = image.data.map((value, i) => value + sigma * noise[i]);
    return { ...image, data: clip ? data.map((value) => Math.min(Math.max(value, 0), 1)) : data };
  });
  const mean = (numbers) => numbers.reduce((a, b) => a + b, 0) / numbers.length;
  return Object.entries(methods).map(([name, method]) => {
    const errors = noisy.map((image, k) => {
      const result = method(image);
      return image.data.reduce((sum, _, i) => sum + (result[i] - held[k].data[i]) ** 2, 0) / image.data.length;
    });
    const each = errors.map((error) => -10 * Math.log10(error));
    return { name, error: mean(errors), psnr: mean(each), each };
  });
}
