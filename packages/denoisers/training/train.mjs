/**
 * Trains a DnCNN or the convolutional auto-encoder on pictures, compares it on held-back ones with the noise itself and with
 * BM3D's two stages, and writes its weights in float16. Needs the built packages. Interrupted, it goes on where its last
 * checkpoint was when it is started again.
 *
 *   node training/train.mjs --network dncnn --images pictures/train --held pictures/held --out dncnn.safetensors
 *   node training/train.mjs --network conv-ae --images faces.png --height 64 --no-turns --out conv-ae.safetensors
 *   node training/train.mjs --network conv-ae --mnist <folder with the IDX files> --sigma 127.5 --no-turns --steps 600
 *
 * `--height` cuts a tall picture into images of that height. Without `--held` every eighth image is held back. Pictures are
 * read as grey; MNIST's get a margin, to 32x32.
 */
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { parseIdx } from '@missing-u/datasets';
import { ConvAutoencoder, DnCNN, trainDenoiser } from '@missing-u/denoisers';
import { compile, useEngine } from '@missing-u/engine';
import { createGenerator } from '@missing-u/random';
import { loadSafetensors, saveSafetensors } from '@missing-u/weights';
import { compare, read } from './report.mjs';

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

const given =
  values.mnist === undefined ? (await Promise.all(values.images.map(picture))).flat() : await digits('train');
const split = (image, i) => i % 8 === 7;
const held =
  values.mnist !== undefined
    ? (await digits('t10k')).slice(0, 1000)
    : values.held === undefined
      ? given.filter(split)
      : (await Promise.all(values.held.map(picture))).flat();
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
  : new ConvAutoencoder({ channels: 1, mean: brightness(train) });
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
for (const { name, error, psnr } of compare(model, held, { sigma, clip: !dncnn })) {
  console.log(`${name.padEnd(14)} mean squared error ${error.toFixed(6)}, PSNR ${psnr.toFixed(2)} dB`);
}

/** Mean of all pixels of the first hundred pictures. */
function brightness(images) {
  const means = images.slice(0, 100).map(({ data }) => data.reduce((sum, value) => sum + value, 0) / data.length);
  return means.reduce((sum, value) => sum + value, 0) / means.length;
}

function picture(path) {
  return read(path, values.height === undefined ? undefined : Number(values.height));
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
