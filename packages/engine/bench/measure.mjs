/** Times operations on one engine; prints them as JSON, in milliseconds. Usage: node measure.mjs ENGINE THREADS */
import * as tf from '@tensorflow/tfjs-core';
import { useEngine } from '@missing-u/engine';

const [engine, threads] = process.argv.slice(2);
await import('@tensorflow/tfjs-layers');
const results = {};
const beforeStart = performance.now();
await useEngine(engine, { threads: Number(threads) });
results['start'] = performance.now() - beforeStart;

/** The best of the runs in half a second; the result is read, so that nothing is left to do. */
function best(run) {
  const once = () =>
    tf.tidy(() => {
      const out = run();
      if (out !== undefined) tf.slice(tf.reshape(out, [-1]), [0], [1]).dataSync();
    });
  for (let i = 0; i < 3; i++) once();
  const end = performance.now() + 500;
  let least = Infinity;
  for (let i = 0; i < 3 || (performance.now() < end && i < 200); i++) {
    const start = performance.now();
    once();
    least = Math.min(least, performance.now() - start);
  }
  return least;
}

for (const [n, size, channels] of [
  [1, 64, 32],
  [8, 32, 64],
  [16, 64, 32],
  [8, 8, 256],
]) {
  const shape = [n, size, size, channels];
  const [x, dy] = [tf.truncatedNormal(shape), tf.truncatedNormal(shape)];
  const w = tf.truncatedNormal([3, 3, channels, channels]);
  const name = `${n}x${size}x${size}x${channels}`;
  const attributes = { strides: [1, 1], pad: 'same', dataFormat: 'NHWC' };
  const run = (kernel, inputs, more) => tf.engine().runKernel(kernel, inputs, { ...attributes, ...more });
  results[`conv 3x3 ${name}`] = best(() => tf.conv2d(x, w, 1, 'same'));
  results[`  by input ${name}`] = best(() => run('Conv2DBackpropInput', { dy, filter: w }, { inputShape: shape }));
  results[`  by filter ${name}`] = best(() => run('Conv2DBackpropFilter', { x, dy }, { filterShape: w.shape }));
  tf.dispose([x, dy, w]);
}
for (const size of [512, 1024]) {
  const [a, b] = [tf.truncatedNormal([size, size]), tf.truncatedNormal([size, size])];
  results[`matmul ${size}`] = best(() => tf.matMul(a, b));
  results[`matmul ${size}, transposed`] = best(() => tf.matMul(a, b, true));
  tf.dispose([a, b]);
}
{
  const [a, b] = [tf.truncatedNormal([64, 256, 32]), tf.truncatedNormal([64, 32, 256])];
  results['matmul 64 x 256x32x256'] = best(() => tf.matMul(a, b));
  tf.dispose([a, b]);
}
{
  const x = tf.truncatedNormal([16, 64, 64, 32]);
  results['group norm 16x64x64x32'] = best(() => {
    const groups = tf.reshape(x, [16, 64 * 64, 8, 4]);
    const { mean, variance } = tf.moments(groups, [1, 3], true);
    return tf.mul(tf.sub(groups, mean), tf.rsqrt(tf.add(variance, 1e-5)));
  });
  const one = tf.ones([1]);
  results['one small operation'] =
    best(() => {
      for (let i = 0; i < 1000; i++) tf.add(one, one).dispose();
    }) / 1000;
}
console.log(JSON.stringify(results));
