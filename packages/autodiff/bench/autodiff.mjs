/**
 * What the functions of this package cost, against `tf.grads`, the way to a gradient that TensorFlow.js has: a small network,
 * where calls are what counts, and a deep chain, where memory is. `node autodiff.mjs [engine]`; ratios are what counts.
 */
import { checkpoint, jvp, vjp } from '@missing-u/autodiff';
import { useEngine } from '@missing-u/engine';
import * as tf from '@tensorflow/tfjs-core';

await useEngine(process.argv[2] ?? 'wasm');

function fill(shape, scale) {
  const size = shape.reduce((product, n) => product * n, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, (_, i) => scale * Math.sin(1 + 7 * i)),
    shape,
  );
}

function milliseconds(run) {
  const once = () => {
    const result = run();
    tf.dispose(result);
  };
  for (let i = 0; i < 20; i++) once();
  const times = [];
  const begin = performance.now();
  while (times.length < 5 || performance.now() - begin < 1500) {
    const start = performance.now();
    once();
    times.push(performance.now() - start);
  }
  return Math.min(...times);
}

const network = [fill([2, 50], 0.3), fill([50], 0.1), fill([50, 2], 0.3)];
const x = fill([20, 2], 1);
const loss = (y, w1, b1, w2) => tf.sum(tf.matMul(tf.tanh(tf.add(tf.matMul(y, w1), b1)), w2));
const inputs = [x, ...network];
const directions = inputs.map((input) => tf.mul(input, 0.1));
const rows = Object.entries({
  'loss alone': () => loss(...inputs),
  'tf.grads': () => tf.grads(loss)(inputs),
  vjp: () => vjp(loss, inputs),
  'vjp of a checkpoint': () => vjp((...ys) => checkpoint(loss, ys), inputs),
  jvp: () => jvp(loss, inputs, directions),
  'tf.grads of tf.grads': () =>
    tf.tidy(() =>
      tf.grads((...ys) =>
        tf.addN(
          tf
            .grads(loss)(ys)
            .map((grad, i) => tf.sum(tf.mul(grad, directions[i]))),
        ),
      )(inputs),
    ),
  'vjp of vjp': () => vjp((...ys) => vjp(loss, ys), inputs, directions),
}).map(([name, run]) => ({ name, ms: milliseconds(run) }));
const base = rows.find(({ name }) => name === 'tf.grads').ms;
console.log('a network 2-50-2, batch 20');
console.table(
  rows.map(({ name, ms }) => ({ name, ms: Number(ms.toFixed(3)), 'times tf.grads': Number((ms / base).toFixed(2)) })),
);

/** 64 layers, in segments of 8 or at once. */
const start = fill([64, 256], 1);
const weight = fill([256, 256], 0.05);
const layers = (y, count) => {
  let z = y;
  for (let i = 0; i < count; i++) z = tf.tanh(tf.matMul(z, weight));
  return z;
};
const chains = {
  'tf.grad': (peak) =>
    tf.grad((y) => {
      const z = layers(y, 64);
      peak();
      return z;
    })(start),
  'tf.grad, checkpoint every 8': (peak) =>
    tf.grad((y) => {
      let z = y;
      for (let i = 0; i < 8; i++) z = checkpoint((u) => layers(u, 8), z);
      peak();
      return z;
    })(start),
};
console.log('64 layers of 256, batch 64: memory when the loss is there');
const measured = Object.entries(chains).map(([name, run]) => {
  const before = tf.memory().numBytes;
  let bytes = 0;
  const peak = () => (bytes = Math.max(bytes, tf.memory().numBytes - before));
  return { name, ms: milliseconds(() => run(peak)), mebibytes: bytes / 2 ** 20 };
});
console.table(
  measured.map(({ name, ms, mebibytes }) => ({
    name,
    ms: Number(ms.toFixed(1)),
    mebibytes: Number(mebibytes.toFixed(1)),
    'times tf.grad, time': Number((ms / measured[0].ms).toFixed(2)),
    'times tf.grad, memory': Number((mebibytes / measured[0].mebibytes).toFixed(2)),
  })),
);
