/**
 * Peak bytes of tensors while a training step of the continuous U-Net runs, and its time, by gradient.
 *
 *     node bench/memory.mjs [engine=wasm] [batch=2] [side=32] [steps=1,4]
 */
import * as tf from '@tensorflow/tfjs-core';
import { CUNet } from '@missing-u/cunet';
import { useEngine } from '@missing-u/engine';

const [engine = 'wasm', batch = '2', side = '32', steps = '1,4'] = process.argv.slice(2);
await useEngine(engine);
const pictures = tf.zeros([Number(batch), Number(side), Number(side), 3]);

/** Highest `numBytes` seen by any kernel call. */
function peakBytes(run) {
  const instance = tf.engine();
  const { runKernel } = instance;
  let peak = 0;
  instance.runKernel = function (...args) {
    const result = runKernel.apply(this, args);
    peak = Math.max(peak, this.state.numBytes);
    return result;
  };
  try {
    run();
  } finally {
    instance.runKernel = runKernel;
  }
  return peak;
}

console.log('steps  gradient      peak beyond the weights  time');
for (const count of steps.split(',').map(Number)) {
  for (const gradient of ['direct', 'checkpointed', 'reversible', 'adjoint']) {
    const model = new CUNet({ gradient, solver: { steps: count } });
    const before = tf.memory().numBytes;
    const step = () => tf.dispose(tf.variableGrads(() => tf.mean(tf.square(model.predict(pictures, 500)))));
    step();
    const start = performance.now();
    const peak = peakBytes(step) - before;
    const time = performance.now() - start;
    console.log(
      `${String(count).padStart(5)}  ${gradient.padEnd(12)}  ${(peak / 2 ** 20).toFixed(0).padStart(19)} MiB  ${time.toFixed(0)} ms`,
    );
    model.dispose();
  }
}
process.exit(0);
