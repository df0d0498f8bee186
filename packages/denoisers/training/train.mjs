/**
 * Trains a DnCNN or the convolutional auto-encoder on pictures, compares it on held-back ones with the noise itself and with
 * BM3D's two stages, and writes its weights in float16. Needs the built packages. Interrupted, it goes on where its last
 * checkpoint was when it is started again.
 *
 *   node training/train.mjs --network dncnn --images pictures/train --held pictures/held --out dncnn.safetensors
 *   node training/train.mjs --network conv-ae --images faces.png --height 64 --no-turns --out conv-ae.safetensors
 *   node training/train.mjs --network conv-ae --mnist <folder with the IDX files> --sigma 127.5 --no-turns
 *
 * `--height` cuts a tall picture into images of that height. Without `--held` every eighth image is held back. Pictures are
 * read as grey; MNIST's get a margin, to 32x32.
 */
import { existsSync } from 'node:fs';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { decodeImage, parseIdx } from '@missing-u/datasets';
import { bm3d, ConvAutoencoder, DnCNN, trainDenoiser } from '@missing-u/denoisers';
import { compile, useEngine } from '@missing-u/engine';
import { createGenerator } from '@missing-u/random';
import { loadSafetensors, saveSafetensors } from '@missing-u/weights';

const { values } = parseArgs({
  allowNegative: true,
  options: {
    network: { type: 'string', default: 'dncnn' },
    images: { type: 'string', multiple: true, default: [] },
    held: { type: 'string', multiple: true },
    mnist: { type: 'string' },
    height: { type: 'string' },
    turns: { type: 'boolean', default: true },
    sigma: { type: 'string', default: '25' },
    steps: { type: 'string', default: '2000' },
    batch: { type: 'string', default: '32' },
    patch: { type: 'string' },
    depth: { type: 'string', default: '17' },
    features: { type: 'string', default: '64' },
    norm: { type: 'boolean', default: true },
    rate: { type: 'string', default: '0.001' },
    engine: { type: 'string', default: 'auto' },
    out: { type: 'string', default: 'denoiser.safetensors' },
  },
});
const sigma = Number(values.sigma) / 255;
const steps = Number(values.steps);

const given = values.mnist === undefined ? (await Promise.all(values.images.map(read))).flat() : await digits('train');
const split = (image, i) => i % 8 === 7;
const held =
  values.mnist !== undefined
    ? (await digits('t10k')).slice(0, 1000)
    : values.held === undefined
      ? given.filter(split)
      : (await Promise.all(values.held.map(read))).flat();
const train =
  values.mnist === undefined && values.held === undefined ? given.filter((image, i) => !split(image, i)) : given;
console.log((await useEngine(values.engine)).version, `${train.length} images to train on, ${held.length} held back`);

const dncnn = values.network === 'dncnn';
const model = dncnn
  ? new DnCNN({
      depth: Number(values.depth),
      features: Number(values.features),
      ...(!values.norm && { batchNorm: false, bias: 'all' }),
    })
  : new ConvAutoencoder({ channels: 1 });
const checkpoint = { weights: `${values.out}.checkpoint`, step: `${values.out}.step` };
let firstStep = 0;
if (existsSync(checkpoint.step)) {
  model.loadStateDict(await loadSafetensors(checkpoint.weights));
  firstStep = Number(await readFile(checkpoint.step, 'utf8'));
}
const begin = { wall: performance.now(), processor: process.cpuUsage() };
let mean = 0;
await trainDenoiser(model, train, {
  sigma,
  steps,
  firstStep,
  batchSize: Number(values.batch),
  patchSize: Number(
    values.patch ?? (dncnn ? 40 : Math.min(...train.map(({ width, height }) => Math.min(width, height)))),
  ),
  learningRate: Number(values.rate),
  turns: values.turns,
  clip: !dncnn,
  compile,
  generator: createGenerator(firstStep),
  async onStep({ step, loss }) {
    mean += (loss - mean) / Math.min(step - firstStep, 100);
    if (step % Math.ceil(steps / 40) !== 0) return;
    const { user, system } = process.cpuUsage(begin.processor);
    const wall = (performance.now() - begin.wall) / 1000;
    const times = `${wall.toFixed(0)} s, ${((user + system) / 1e6).toFixed(0)} s of processor`;
    console.log(`step ${step}, loss ${mean.toFixed(6)}, ${(-10 * Math.log10(mean)).toFixed(2)} dB, ${times}`);
    await saveSafetensors(model.stateDict(), checkpoint.weights);
    await writeFile(checkpoint.step, String(step));
  },
});
const half = Object.entries(model.stateDict()).map(([name, tensor]) => [name, { ...tensor, dtype: 'float16' }]);
await saveSafetensors(Object.fromEntries(half), values.out);
await Promise.all(Object.values(checkpoint).map((path) => rm(path, { force: true })));
model.loadStateDict(await loadSafetensors(values.out));
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
  const noisy = held.map((image) => {
    const noise = generator.fillNormal(new Float32Array(image.data.length));
    const data = image.data.map((value, i) => value + sigma * noise[i]);
    return { ...image, data: dncnn ? data : data.map((value) => Math.min(Math.max(value, 0), 1)) };
  });
  for (const [name, method] of Object.entries(methods)) {
    const errors = noisy.map((image, k) => {
      const result = method(image);
      return image.data.reduce((sum, _, i) => sum + (result[i] - held[k].data[i]) ** 2, 0) / image.data.length;
    });
    const mean = (numbers) => numbers.reduce((a, b) => a + b, 0) / numbers.length;
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

/** The pictures of one part of MNIST, with a margin of two black pixels. */
async function digits(part) {
  const { data, shape } = parseIdx(await readFile(join(values.mnist, `${part}-images-idx3-ubyte`)));
  const [count, height, width] = shape;
  return Array.from({ length: count }, (_, n) => {
    const image = { data: new Float32Array(32 * 32), width: 32, height: 32, channels: 1 };
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) image.data[(y + 2) * 32 + x + 2] = data[(n * height + y) * width + x] / 255;
    return image;
  });
}
