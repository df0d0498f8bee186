/** Digits of 32 x 32. What the samples are worth, a classifier of digits and its features say. */
import { mnist } from '@missing-u/datasets';
import { FrechetInceptionDistance } from '@missing-u/metrics';
import { MnistClassifier, MnistConfidence } from '@missing-u/metrics/mnist';
import * as tf from '@tensorflow/tfjs-core';

/** The channels that make the cU-Net a quarter of the U-Net, as in the paper. */
export const channels = { cunet: 16, unet: 32 };

/**
 * Parts, each with the flags of `missing-u train` that it changes. A part goes on with the run before it, or, with `from`, begins
 * another from that run's averaged weights. Of the last one's weights, `publish.mjs` takes only the `share`, where it has one, and the
 * others from those with which it began.
 */
export const recipe = [
  {
    until: 4_000,
    flags: {
      '--batch': 32,
      '--learning-rate': 1.5e-3,
      '--learning-rate-schedule': 'warmup_stable_decay',
      '--warmup-steps': 200,
      '--decay-steps': 1_200,
      '--loss-weighting': 'min-snr',
      '--timestep-sampling': 'stratified',
      '--ema-decay': '0.998,0.9995',
      '--checkpoint-every': 250,
      '--sample-every': 0,
      '--seed': 1,
    },
  },
  // min-SNR hardly counts timesteps of little noise, which denoising needs too.
  { until: 12_500, flags: { '--loss-weighting': 'constant', '--decay-steps': 0 } },
  // The U-Net had diverged three times at 1.5e-3.
  { until: 15_000, flags: { '--learning-rate': 6e-4, '--decay-steps': 2_500 } },
  { until: 39_750, flags: { '--decay-steps': 0 } },
  // On a graphics card, to which the weights went in float16. Averages and moments begin anew with each run.
  { from: true, until: 3_500, flags: { '--batch': 256, '--learning-rate': 1e-3, '--seed': 2 } },
  // What the rate of before leaves of noise in the weights goes with it.
  {
    from: true,
    until: 5_000,
    flags: { '--batch': 32, '--learning-rate': 6e-4, '--warmup-steps': 100, '--decay-steps': 4_000, '--seed': 3 },
  },
  { from: true, until: 2_000, flags: { '--warmup-steps': 200, '--decay-steps': 0, '--seed': 4 } },
  // For denoising without fresh noise, where images soon have less noise than their timestep says.
  { until: 9_000, flags: { '--decay-steps': 5_000, '--noise-jitter': 0.1, '--noise-jitter-most': 1 } },
  // In sampling they have a little more.
  {
    from: true,
    until: 1_500,
    flags: {
      '--learning-rate': 4e-4,
      '--warmup-steps': 100,
      '--decay-steps': 1_000,
      '--noise-jitter-most': 1.2,
      '--seed': 5,
    },
  },
  // On the card again, in larger batches still.
  {
    from: true,
    until: 1_686,
    flags: {
      '--batch': 512,
      '--learning-rate': 8e-4,
      '--warmup-steps': 150,
      '--decay-steps': 1_600,
      '--max-grad-norm': 0.3,
      '--seed': 6,
    },
  },
  // Which digit comes out is decided around t = 430: samples that take another network's estimates from 360 to 500 alone are as legible
  // as that network's own. Little noise is seen less often then, which costs denoising: half of the way there costs less.
  {
    from: true,
    until: 2_450,
    share: 0.5,
    flags: {
      '--decay-steps': 1_430,
      '--timestep-sampling': 'logit-normal',
      '--logit-mean': -0.25,
      '--logit-std': 0.5,
      '--uniform-share': 0.2,
      '--seed': 7,
    },
  },
];

/** Besides 0: half of the fresh noise that DDPM would add. */
const ETA = 0.5;

/** What a model's samples reach. `samplesOf(eta)` are batches of 64 of them, in [0, 1], `steps` its number of steps. */
export async function measure({ config, steps, count, samplesOf }) {
  const classifier = await MnistClassifier.load();
  const crop = (images) => tf.slice(images, [0, 2, 2, 0], [-1, 28, 28, -1]);
  const feature = { name: 'mnist', extract: (images) => tf.tidy(() => classifier.features(crop(images))) };
  const eachBatch = async (split, use) => {
    const dataset = await mnist({ split, size: config.size });
    for await (const { images } of dataset.take(10_000).batches({ batchSize: 500, range: [0, 1] })) {
      await use(images);
      images.dispose();
    }
    await dataset.close();
  };
  const test = new FrechetInceptionDistance({ feature });
  await eachBatch('test', (images) => test.update(images, { real: true }));
  const reference = test.real.compute();
  const floor = new FrechetInceptionDistance({ feature, reference });
  await eachBatch('train', (images) => floor.update(images, { real: false }));
  const reached = async (eta) => {
    const distance = new FrechetInceptionDistance({ feature, reference });
    const confidence = new MnistConfidence(classifier);
    for await (const images of samplesOf(eta)) {
      const digits = crop(images);
      await confidence.update(digits);
      await distance.update(images, { real: false });
      tf.dispose([digits, images]);
    }
    const { share, counts } = confidence.compute();
    return { confidentShare: share, confidentDigits: counts, 'fid-mnist': await distance.compute() };
  };
  return {
    samples: count,
    scheduler: `DDIM, ${steps} steps`,
    ...(await reached(0)),
    withFreshNoise: { eta: ETA, ...(await reached(ETA)) },
    'fid-mnist of training images': await floor.compute(),
  };
}

/** What its card says of the data, the training, the measurements and the limits. */
export function about(numbers) {
  const count = (value) => value.toLocaleString('en');
  const { withFreshNoise } = numbers;
  const percent = ({ confidentShare }) => `${(100 * confidentShare).toFixed(1)} %`;
  const digits = ({ confidentDigits }) => confidentDigits.map((count, digit) => `${digit}: ${count}`).join(', ');
  const distance = ({ 'fid-mnist': value }) => value.toFixed(2);
  const diverged =
    numbers.divergedAt.length === 0
      ? 'The loss fell throughout.'
      : `The training diverged at steps ${numbers.divergedAt.map(count).join('; ')} and recovered by itself each time, all at rates of 0.001 and more. It lost ground there, so that its numbers are no bound on what it can do.`;
  return {
    dataset: 'mnist',
    trainingImages: 60_000,
    draws: "MNIST's digits",
    picture: 'digits.png',
    data: 'the 60,000 training images of MNIST (LeCun, Cortes, Burges; CC BY-SA 3.0), with a black border of 2 pixels, in [-1, 1].',
    time: `some hours on one CPU core, and 25 minutes
  on a graphics card (NVIDIA H200), where both networks were trained side by side. The paper's code trains for 10,000 steps of 256 digits: 2,560,000 images.`,
    course: `In seven runs, the same for both networks, each from the averaged weights of the one before: the long one on the processor
  (\`min-snr\` weights first, then the plain loss, then a lower rate), one of large batches on the card, three whose rates fall to 0,
  and two like them of larger batches, on the card again (where the cU-Net's rate fell over 1,684 and 1,552 steps); the last one draws timesteps around 430, where
  it is decided which digit comes out, 2.8 times as often. Denoising from little noise lost by that, and hardly loses by
  half of it: what is published is half-way there (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models"). In the last four a tenth of the images has more or less noise than its timestep says, for denoising without fresh noise.
  ${diverged} The loss is in \`loss.csv\` and \`loss.png\`; it drops and rises where the parts meet, since they weigh it differently.`,
    measured: `${numbers.date}, ${numbers.engine}, ${numbers.scheduler}, ${count(numbers.samples)} samples of seed 0:

| measure | eta 0 | eta ${withFreshNoise.eta} |
| --- | --- | --- |
| samples that \`MnistClassifier\` reads with a probability above 0.9 (of real digits: 96 %) | ${percent(numbers)} | ${percent(withFreshNoise)} |
| of these, by digit | ${digits(numbers)} | ${digits(withFreshNoise)} |
| \`fid-mnist\` against the 10,000 test images | ${distance(numbers)} | ${distance(withFreshNoise)} |

\`eta\` is the share of fresh noise in each step: \`pipeline.sample({ eta: ${withFreshNoise.eta} })\`, \`missing-u sample --eta ${withFreshNoise.eta}\`. The same distance of
10,000 training images, the floor, is ${numbers['fid-mnist of training images'].toFixed(2)}.

\`fid-mnist\` is a Fréchet distance of the features of this project's own MNIST classifier; it compares with no published FID.`,
    limits: `Digits only, of one size and in grey, after a small training: some samples are no digit. A demonstration and a baseline, not a
generator for data sets.`,
  };
}
