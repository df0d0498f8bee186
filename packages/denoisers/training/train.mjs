/**
 * Trains a DnCNN or the convolutional auto-encoder on pictures, compares it on held-back ones with the noise itself and with
 * BM3D's two stages, and writes its weights. Needs the built packages `datasets`, `engine`, `random` and `weights`.
 *
 *   node training/train.mjs --network dncnn --images <folder or picture>... --steps 2000 --out dncnn.safetensors
 *   node training/train.mjs --network conv-ae --images faces.png --height 64 --out conv-ae.safetensors
 *
 * `--height` cuts a tall picture into images of that height. Every eighth image is held back. Pictures are read as grey.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { decodeImage } from '@missing-u/datasets';
import { bm3d, ConvAutoencoder, DnCNN, trainDenoiser } from '@missing-u/denoisers';
import { useEngine } from '@missing-u/engine';
import { createGenerator } from '@missing-u/random';
import { saveSafetensors } from '@missing-u/weights';

const { values } = parseArgs({
  options: {
    network: { type: 'string', default: 'dncnn' },
    images: { type: 'string', multiple: true },
    height: { type: 'string' },
    sigma: { type: 'string', default: '25' },
    steps: { type: 'string', default: '2000' },
    batch: { type: 'string', default: '32' },
    depth: { type: 'string', default: '17' },
    engine: { type: 'string', default: 'auto' },
    out: { type: 'string', default: 'denoiser.safetensors' },
  },
});
const sigma = Number(values.sigma) / 255;
const steps = Number(values.steps);

const pictures = (await Promise.all(values.images.map(read))).flat();
const held = pictures.filter((_, i) => i % 8 === 7);
const train = pictures.filter((_, i) => i % 8 !== 7);
console.log((await useEngine(values.engine)).version, `${train.length} images to train on, ${held.length} held back`);

const dncnn = values.network === 'dncnn';
const model = dncnn ? new DnCNN({ depth: Number(values.depth) }) : new ConvAutoencoder({ channels: 1 });
const begin = performance.now();
await trainDenoiser(model, train, {
  sigma,
  steps,
  batchSize: Number(values.batch),
  patchSize: dncnn ? 40 : Math.min(...train.map(({ width, height }) => Math.min(width, height))),
  clip: !dncnn,
  generator: createGenerator(0),
  onStep({ step, loss }) {
    if (step % Math.ceil(steps / 20) !== 0) return;
    console.log(`step ${step}, loss ${loss.toFixed(5)}, ${((performance.now() - begin) / 1000).toFixed(0)} s`);
  },
});
await saveSafetensors(model.stateDict(), values.out);
report();

/** Mean squared errors and PSNR over the held-back images. */
function report() {
  const methods = {
    noise: (image) => image.data,
    network: (image) =>
      tf.tidy(() => model.denoise(tf.tensor4d(image.data, [1, image.height, image.width, 1])).dataSync()),
    'BM3D, stage 1': (image) => bm3d(image, sigma, { stage: 'hard-threshold' }).data,
    BM3D: (image) => bm3d(image, sigma).data,
  };
  const generator = createGenerator(1);
  const noisy = held.slice(0, 24).map((image) => {
    const noise = generator.fillNormal(new Float32Array(image.data.length));
    return { ...image, data: image.data.map((value, i) => value + sigma * noise[i]) };
  });
  for (const [name, method] of Object.entries(methods)) {
    const errors = noisy.map((image, k) => {
      const result = method(image);
      return image.data.reduce((sum, _, i) => sum + (result[i] - held[k].data[i]) ** 2, 0) / image.data.length;
    });
    const mean = (numbers) => numbers.reduce((a, b) => a + b) / numbers.length;
    const psnr = mean(errors.map((error) => -10 * Math.log10(error)));
    console.log(`${name.padEnd(14)} mean squared error ${mean(errors).toFixed(6)}, PSNR ${psnr.toFixed(2)} dB`);
  }
}

async function read(path) {
  if ((await stat(path)).isDirectory()) {
    const names = (await readdir(path)).sort();
    return (await Promise.all(names.map((name) => read(join(path, name))))).flat();
  }
  const { data, shape } = await decodeImage(await readFile(path), path, 1);
  const [height, width] = shape;
  const tall = values.height === undefined ? height : Number(values.height);
  return Array.from({ length: Math.floor(height / tall) }, (_, i) => {
    const pixels = data.subarray(i * tall * width, (i + 1) * tall * width);
    return { data: Float32Array.from(pixels, (byte) => byte / 255), width, height: tall, channels: 1 };
  });
}
