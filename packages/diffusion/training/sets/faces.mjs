/** Grey faces of 64 x 64, of which there are few: 36 persons to train on, 4 to measure with. `cut-faces.mjs` makes the folders. */
import { join } from 'node:path';
import { imageFolder } from '@missing-u/datasets';
import { denoiseFrom } from '@missing-u/diffusion';
import { ssim } from '@missing-u/metrics';
import { createGenerator } from '@missing-u/random';
import { DDPMScheduler } from '@missing-u/schedulers';
import * as tf from '@tensorflow/tfjs-core';

/** Half of those of the digits: four times as many pixels. */
export const channels = { cunet: 8, unet: 16 };

/** As that of the digits, shorter. */
export const recipe = [
  {
    until: 5_000,
    flags: {
      '--dataset': 'grey-image-folder',
      '--root': 'faces/train',
      '--size': 64,
      '--batch': 8,
      '--random-flip': true,
      '--learning-rate': 4e-4,
      '--learning-rate-schedule': 'warmup_stable_decay',
      '--warmup-steps': 200,
      '--timestep-sampling': 'stratified',
      '--noise-jitter': 0.1,
      '--ema-decay': '0.998,0.9995',
      '--checkpoint-every': 250,
      '--sample-every': 0,
      '--seed': 1,
    },
  },
  { until: 6_500, flags: { '--decay-steps': 1_500 } },
];

/** Forward steps to noise the test images with, as in Table 2. */
const STARTS = [50, 150, 400];
const unit = (images) => tf.clipByValue(tf.add(tf.mul(images, 0.5), 0.5), 0, 1);
const measures = { ssim: { better: 'higher', compute: (a, b) => ssim(unit(a), unit(b), { dataRange: 1 }) } };

/** How well a model denoises faces of persons that it has not seen, and how near its samples come to those that it has. */
export async function measure({ config, chain, unet, root, steps, count, samplesOf }) {
  const [train, test] = await Promise.all(['train', 'test'].map((part) => faces(join(root, part), config.size)));
  const denoising = [];
  for (const start of STARTS) {
    const scheduler = new DDPMScheduler(chain);
    const result = await denoiseFrom({
      unet,
      scheduler,
      images: test,
      steps: start,
      generator: createGenerator(0),
      measures,
    });
    denoising.push({
      start,
      noisy: mean(result.noisy.ssim),
      ssim: result.best.ssim.value,
      step: result.best.ssim.step,
    });
  }
  const distances = [];
  for await (const images of samplesOf(0)) {
    distances.push(
      ...nearest(
        tf.tidy(() => tf.sub(tf.mul(images, 2), 1)),
        train,
      ),
    );
    images.dispose();
  }
  const unseen = nearest(test, train);
  tf.dispose([train, test]);
  return {
    samples: count,
    scheduler: `DDIM, ${steps} steps`,
    denoising,
    nearest: { samples: mean(distances), least: Math.min(...distances), 'test images': mean(unseen) },
  };
}

/** All pictures of a folder, [count, size, size, 1] in [-1, 1]. */
async function faces(root, size) {
  const dataset = await imageFolder({ root, size, channels: 1 });
  for await (const { images } of dataset.batches({ batchSize: dataset.length })) {
    await dataset.close();
    return images;
  }
}

/** For each image, its root mean squared distance to the nearest of others or their mirror images, of values in [-1, 1]. */
function nearest(images, others) {
  return tf.tidy(() => {
    const all = tf.concat([others, tf.reverse(others, 2)]);
    const [a, b] = [images, all].map((x) => tf.reshape(x, [x.shape[0], -1]));
    const squares = (x) => tf.sum(tf.square(x), 1);
    const products = tf.matMul(a, b, false, true);
    const squared = tf.sub(tf.add(tf.expandDims(squares(a), 1), tf.expandDims(squares(b), 0)), tf.mul(products, 2));
    return [...tf.sqrt(tf.div(tf.relu(tf.min(squared, 1)), a.shape[1])).dataSync()];
  });
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** What its card says of the data, the training, the measurements and the limits. */
export function about({ date, engine, scheduler, samples, denoising, nearest }) {
  const rows = denoising.map(
    ({ start, noisy, ssim, step }) => `| ${start} | ${noisy.toFixed(3)} | ${ssim.toFixed(3)} | ${step.toFixed(0)} |`,
  );
  return {
    dataset: 'olivetti-faces',
    trainingImages: 360,
    draws: 'faces',
    picture: 'faces.png',
    data: `360 pictures of 36 persons from the Database of Faces (AT&T Laboratories Cambridge, 1992 to 1994; free with credit), in the
  64 x 64 pixels of scikit-learn's \`fetch_olivetti_faces\`, half of them mirrored, in [-1, 1]. Persons 37 to 40 are for tests
  (\`packages/diffusion/training/cut-faces.mjs\` of the repository makes the folders).`,
    time: 'an hour for the U-Net and half of that for the cU-Net on two cores.',
    course: `With one recipe for both networks, the rate falling to 0 over the last 1,500 steps. A tenth of the images has more or less noise than
  its timestep says, for denoising without fresh noise. The loss is in \`loss.csv\` and \`loss.png\`.`,
    measured: `${date}, ${engine}: the 40 pictures of the four persons that it has not seen, noised by t forward steps and denoised step by step
without fresh noise; the best SSIM on the way:

| t | noisy | denoised | after steps |
| --- | --- | --- | --- |
${rows.join('\n')}

Is it drawing from memory? ${samples} samples (${scheduler}, seed 0) are ${nearest.samples.toFixed(3)} away from the nearest training picture or its mirror image, in the mean
(root mean square of values in [-1, 1]); the nearest one ${nearest.least.toFixed(3)}, pictures of the four other persons ${nearest['test images'].toFixed(3)}.`,
    limits: `Thirty-six persons, nearly all of them men, in one laboratory thirty years ago: it draws faces like theirs, and knows no others. Not
for telling who somebody is, and no source of portraits of nobody: a sample may resemble a person of the training set.`,
  };
}
