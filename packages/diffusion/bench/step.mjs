/**
 * What a scheduler's step costs beside the call of the network before it: 16x64x64x3, the continuous U-Net, one engine.
 *
 *     node bench/step.mjs [engine=auto] [rounds=5]
 */
import * as tf from '@tensorflow/tfjs-core';
import { CUNet } from '@missing-u/cunet';
import { compile, useEngine } from '@missing-u/engine';
import { createGenerator, SCHEDULERS } from '@missing-u/schedulers';

const [engine = 'auto', rounds = '5'] = process.argv.slice(2);
const { name, version } = await useEngine(engine);
const network = new CUNet();
const noise = (seed) =>
  tf.tensor(createGenerator(seed).fillNormal(new Float32Array(16 * 64 * 64 * 3)), [16, 64, 64, 3]);
const [sample, output, added] = [noise(1), noise(2), noise(3)];
const call = compile((x) => network.predict(x, 500));

/** The fastest of some rounds, in milliseconds, of what makes tensors. */
async function time(run, count) {
  const times = [];
  for (let round = 0; round < count + 2; round++) {
    const begin = performance.now();
    const result = run();
    await result.data();
    if (round > 1) times.push(performance.now() - begin);
    result.dispose();
  }
  return Math.min(...times);
}

const networkMs = await time(() => call(sample), Number(rounds));
console.log(`${name} ${version}: a call of the cU-Net takes ${networkMs.toFixed(0)} ms`);
for (const of of ['DDPMScheduler', 'DDIMScheduler', 'EulerDiscreteScheduler', 'DPMSolverMultistepScheduler']) {
  const scheduler = new SCHEDULERS[of]();
  const step = () => {
    scheduler.setTimesteps(10);
    const { prevSample, predOriginalSample } = scheduler.step(output, scheduler.timesteps[5], sample, { noise: added });
    predOriginalSample.dispose();
    return prevSample;
  };
  const ms = await time(step, 20);
  console.log(`${of}: ${ms.toFixed(2)} ms, ${((100 * ms) / networkMs).toFixed(2)} % of it`);
  scheduler.reset();
}
process.exit(0);
