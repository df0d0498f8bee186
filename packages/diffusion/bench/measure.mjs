/**
 * Prints, as JSON, what the native engine takes for a call and for a training step of the continuous U-Net.
 * Arguments: `compiled` or `eager`, then batch, side, image channels, width, threads, rounds.
 */
import { CUNet } from '@missing-u/cunet';
import { Trainer } from '@missing-u/diffusion';
import { compile, useEngine } from '@missing-u/engine';
import { DDPMScheduler } from '@missing-u/schedulers';
import * as tf from '@tensorflow/tfjs-core';

const [mode, ...numbers] = process.argv.slice(2);
const [batch, side, channels, width, threads, rounds] = numbers.map(Number);
const enabled = mode === 'compiled';
await useEngine('native', { threads });

const denoiser = new CUNet({ inChannels: channels, channels: width, imageSize: side });
const images = tf.reshape(tf.sin(tf.range(0, batch * side * side * channels)), [batch, side, side, channels]);
const times = tf.range(0, batch);
const resident = () => Math.round(process.memoryUsage().rss / 1e6);

const predict = compile((x, t) => denoiser.predict(x, t), { enabled });
const call = await measure(() => {
  const prediction = predict(images, times);
  prediction.dataSync();
  prediction.dispose();
});
const first = (stats) => stats.graphs.reduce((sum, { optimizeMilliseconds }) => sum + optimizeMilliseconds, 0);
const callOptimize = first(predict.stats);
predict.dispose();

const trainer = new Trainer({
  denoiser,
  scheduler: new DDPMScheduler(),
  seed: 0,
  learningRate: 1e-4,
  totalSteps: 1000,
  compile: enabled,
});
const step = await measure(() => trainer.trainStep({ images }));
const { gradient, update } = trainer.stats;
const operations = gradient.graphs[0]?.operations;
const stepOptimize = first(gradient) + first(update);
const peakMegabytes = process.resourceUsage().maxRSS / 1e3;
console.log(
  JSON.stringify({ call, step, callOptimize, stepOptimize, operations, residentMegabytes: resident(), peakMegabytes }),
);

/** Medians after two calls to warm up (a compiled function records in the first and compares in the second). */
async function measure(run) {
  await run();
  await run();
  const [wall, cpu] = [[], []];
  for (let round = 0; round < rounds; round++) {
    const [begin, used] = [performance.now(), process.cpuUsage()];
    await run();
    wall.push(performance.now() - begin);
    const { user, system } = process.cpuUsage(used);
    cpu.push((user + system) / 1e3);
  }
  const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
  return { milliseconds: median(wall), cpu: median(cpu) };
}
