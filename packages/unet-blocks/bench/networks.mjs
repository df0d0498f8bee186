/**
 * Calls and training steps of the U-Nets: time, and the most bytes of tensors beyond the weights, with and without gradient
 * checkpointing; beside PyTorch's for the same networks where tools/reference/.venv is there.
 *
 *     node bench/networks.mjs [engine=wasm] [batch=4] [side=32] [rounds=2]
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import { useEngine } from '@missing-u/engine';
import { UNet } from '@missing-u/unet-blocks';

const [engine = 'wasm', batch = '4', side = '32', rounds = '2'] = process.argv.slice(2);
const { device } = await useEngine(engine);
console.log(`${engine}: ${device}, ${batch} x ${side} x ${side} x 3`);

const reference = fileURLToPath(new URL('../../../tools/reference/', import.meta.url));
const python = `${reference}.venv/bin/python`;
const quietly = { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] };
const torch = existsSync(python)
  ? JSON.parse(execFileSync(python, [`${reference}unet-blocks/speed.py`, batch, side, rounds], quietly))
  : {};

const pictures = tf.randomNormal([Number(batch), Number(side), Number(side), 3], 0, 1, 'float32', 1);
for (const preset of ['lucidrains', 'ho']) {
  const model = new UNet({ preset });
  const call = () => model.predict(pictures, 500);
  const step = () => tf.variableGrads(() => tf.mean(tf.square(call()))).grads;
  report(preset, 'call', measure(call), torch[preset]?.call);
  report(preset, 'step', measure(step), torch[preset]?.step);
  model.enableGradientCheckpointing();
  report(preset, 'step, checkpointed', measure(step), torch[preset]?.step);
  model.dispose();
}
process.exit(0);

/** Shortest time of some runs, and the highest `numBytes` beyond those before that any kernel call saw. */
function measure(run) {
  const instance = tf.engine();
  const { runKernel } = instance;
  const before = tf.memory().numBytes;
  let [peak, best] = [0, Infinity];
  instance.runKernel = function (...args) {
    const result = runKernel.apply(this, args);
    peak = Math.max(peak, this.state.numBytes - before);
    return result;
  };
  try {
    for (let round = 0; round <= Number(rounds); round++) {
      const start = performance.now();
      const result = run();
      for (const tensor of Object.values(result instanceof tf.Tensor ? [result] : result)) tensor.dataSync();
      tf.dispose(result);
      if (round > 0) best = Math.min(best, performance.now() - start);
    }
  } finally {
    instance.runKernel = runKernel;
  }
  return { time: best, peak };
}

function report(preset, what, { time, peak }, peer) {
  const beside = peer === undefined ? '' : `, ${(time / peer).toFixed(2)} of PyTorch's`;
  console.log(`${preset}, ${what}: ${time.toFixed(0)} ms${beside}, ${(peak / 2 ** 20).toFixed(0)} MiB`);
}
