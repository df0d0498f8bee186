/**
 * What clipping, Adam and the average of the weights take of a compiled training step of the continuous U-Net on the native
 * engine, turn by turn with loss and gradient: medians and minima. `composed` takes the engine's own operations for it away.
 *
 *     node bench/update.mjs [rounds=7] [batch=64] [side=32] [channels=1] [width=16] [composed]
 */
import { CUNet } from '@missing-u/cunet';
import {
  Adam,
  applyUpdate,
  clippingScale,
  Ema,
  FlatParameters,
  lossAndGradient,
  vectorNorm,
} from '@missing-u/diffusion';
import { compile, useEngine } from '@missing-u/engine';
import * as tf from '@tensorflow/tfjs-core';

const numbers = process.argv.slice(2).filter((text) => text !== 'composed');
const [rounds = 7, batch = 64, side = 32, channels = 1, width = 16] = numbers.map(Number);
await useEngine('native', { threads: 2 });
if (process.argv.includes('composed'))
  for (const name of ['AdamUpdate', 'VectorNorm']) tf.unregisterKernel(name, 'tensorflow');

const network = new CUNet({ inChannels: channels, channels: width, imageSize: side, seed: 1 });
const parameters = new FlatParameters(network.parameters());
const adam = new Adam(parameters.size);
const ema = new Ema(parameters.read());
const [images, times] = [tf.sin(tf.range(0, batch * side * side * channels)), tf.range(0, batch)];
const x = tf.reshape(images, [batch, side, side, channels]);

const gradient = compile((noisy, t, target) => {
  const { errors, gradient } = lossAndGradient(network, parameters, noisy, t, target);
  return [errors, gradient];
});
const step = compile((vector, scale, coefficients, decays) => {
  applyUpdate({ parameters, adam, emas: [ema] }, vector, { scale, coefficients, decays });
  return [];
});

const taken = { gradient: [], norm: [], update: [] };
const timed = (name, run) => {
  const begin = performance.now();
  const result = run();
  taken[name].push(performance.now() - begin);
  return result;
};
for (let round = 0; round < rounds + 2; round++) {
  tf.tidy(() => {
    const [, found] = timed('gradient', () => gradient(x, times, x));
    const norm = timed('norm', () => vectorNorm(found).dataSync()[0]);
    const [coefficients, decays] = [adam.coefficients(1e-4), tf.reshape(ema.decay(), [1])];
    timed('update', () => step(found, tf.scalar(clippingScale(norm, 1)), coefficients, decays));
  });
}
const of = (name, pick) => pick(taken[name].slice(2).sort((a, b) => a - b));
const median = (values) => values[values.length >> 1];
console.log(`${parameters.size} parameters, ${step.stats.graphs[0].operations} operations in the update`);
for (const [kind, pick] of Object.entries({ median, minimum: (values) => values[0] })) {
  const [g, n, u] = ['gradient', 'norm', 'update'].map((name) => of(name, pick));
  const share = (100 * (n + u)) / (g + n + u);
  console.log(
    `${kind}: gradient ${g.toFixed(1)} ms, norm ${n.toFixed(2)}, update ${u.toFixed(2)}: ${share.toFixed(2)} % of the step`,
  );
}
process.exit(0);
