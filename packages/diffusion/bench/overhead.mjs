/**
 * What `Trainer` adds to the gradient of the network and Adam, and what a pipeline adds to the calls of the network: the default
 * continuous U-Net of a training run (C = 16, 32x32x1), turn by turn with the bare loop.
 *
 *     node bench/overhead.mjs [engine=native] [batch=64] [rounds=7]
 */
import { CUNet } from '@missing-u/cunet';
import { Adam, applyUpdate, DDIMPipeline, FlatParameters, lossAndGradient, Trainer } from '@missing-u/diffusion';
import { compile, useEngine } from '@missing-u/engine';
import { createGenerator } from '@missing-u/random';
import { DDPMScheduler } from '@missing-u/schedulers';
import * as tf from '@tensorflow/tfjs-core';

const [engine = 'native', ...numbers] = process.argv.slice(2);
const [batch = 64, rounds = 7] = numbers.map(Number);
const { name, version } = await useEngine(engine, { threads: 2 });
const shape = [batch, 32, 32, 1];
const makeNetwork = () => new CUNet({ inChannels: 1, channels: 16, imageSize: 32, seed: 1 });
const noise = (seed) => tf.tensor4d(createGenerator(seed).fillNormal(new Float32Array(batch * 1024)), shape);

console.log(`${name} ${version}, ${batch} images`);
print('training step', await training());
print('DDIM, a step of 10', await sampling(), 10);
process.exit(0);

async function training() {
  const [images, noisy, target] = [noise(1), noise(2), noise(3)];
  const timesteps = tf.range(0, batch);
  const trained = makeNetwork();
  const scheduler = new DDPMScheduler();
  const trainer = new Trainer({ denoiser: trained, scheduler, seed: 0, learningRate: 1e-5, totalSteps: 1000 });
  const network = makeNetwork();
  const parameters = new FlatParameters(network.parameters());
  const adam = new Adam(parameters.size);
  const gradientOf = compile((x, t, y) => {
    const { loss, gradient } = lossAndGradient(network, parameters, x, t, y);
    return [loss, gradient];
  });
  const update = compile((gradient, scale, coefficients, decays) => {
    applyUpdate({ parameters, adam, emas: [] }, gradient, { scale, coefficients, decays });
    return [];
  });
  const [one, nothing] = [tf.scalar(1), tf.tensor1d([])];
  return alternately(
    async () => {
      const [loss, gradient] = gradientOf(noisy, timesteps, target);
      const coefficients = adam.coefficients(1e-5);
      update(gradient, one, coefficients, nothing);
      await loss.data();
      // The update too has to be done.
      await parameters.variables.at(-1).data();
      tf.dispose([loss, gradient, coefficients]);
    },
    async () => {
      await trainer.trainStep({ images });
      await trainer.parameters.variables.at(-1).data();
    },
  );
}

async function sampling() {
  const network = makeNetwork();
  const pipeline = new DDIMPipeline({ unet: network });
  const predict = compile((x, t) => network.predict(x, t));
  const start = noise(4);
  const times = Array.from({ length: 10 }, (_, i) => tf.fill([batch], 900 - 100 * i));
  return alternately(
    async () => {
      for (const t of times) {
        const output = predict(start, t);
        await output.data();
        output.dispose();
      }
    },
    async () => {
      const sampled = await pipeline.sample({
        batchSize: batch,
        chunkSize: batch,
        numInferenceSteps: 10,
        generator: 0,
      });
      await sampled.data();
      sampled.dispose();
    },
  );
}

/** Milliseconds of two works in turns, the first that begins changing from round to round. */
async function alternately(bare, whole) {
  const times = { bare: [], whole: [] };
  for (let round = -2; round < rounds; round++) {
    const order = [
      ['bare', bare],
      ['whole', whole],
    ];
    for (const [kind, work] of round % 2 === 0 ? order : order.reverse()) {
      const begin = performance.now();
      await work();
      if (round >= 0) times[kind].push(performance.now() - begin);
    }
  }
  return times;
}

function print(what, { bare, whole }, steps = 1) {
  const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
  const best = (values) => Math.min(...values);
  const ms = (value) => (value / steps).toFixed(1);
  const share = (of) => `${(100 * (of(whole) / of(bare) - 1)).toFixed(1)} %`;
  console.log(
    `${what}: bare ${ms(median(bare))} ms, whole ${ms(median(whole))} ms, overhead ${share(median)} (of the fastest ${share(best)})`,
  );
}
