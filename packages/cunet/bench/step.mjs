/**
 * One call and one training step (loss and all gradients) of the default continuous U-Net at 16x64x64x3; prints them as JSON,
 * in milliseconds, with the most memory that the process held, in MiB. Part of `pnpm bench engine`.
 *
 *     node bench/step.mjs [engine=wasm] [threads=2] [gradient=checkpointed] [rounds=1]
 */
import * as tf from '@tensorflow/tfjs-core';
import { CUNet } from '@missing-u/cunet';
import { useEngine } from '@missing-u/engine';

const [engine = 'wasm', threads = '2', gradient = 'checkpointed', rounds = '1'] = process.argv.slice(2);
await useEngine(engine, { threads: Number(threads) });
const model = new CUNet({ gradient });
const pictures = tf.randomNormal([16, 64, 64, 3]);

/** The fastest round after one that warms up. */
async function best(run) {
  let least = Infinity;
  for (let round = 0; round <= Number(rounds); round++) {
    const start = performance.now();
    const results = run();
    for (const result of results) await result.data();
    tf.dispose(results);
    if (round > 0) least = Math.min(least, performance.now() - start);
  }
  return least;
}

const call = await best(() => [model.predict(pictures, 500)]);
const step = await best(() => {
  const { value, grads } = tf.variableGrads(() => tf.mean(tf.square(model.predict(pictures, 500))));
  return [value, ...Object.values(grads)];
});
console.log(JSON.stringify({ call, step, memory: process.resourceUsage().maxRSS / 1024 }));
process.exit(0);
