import { compile } from '@missing-u/engine';
import { invalidArgument } from '@missing-u/errors';
import { createGenerator } from '@missing-u/random';
import * as tf from '@tensorflow/tfjs-core';
import { checkOutput } from '../check-output.ts';
import { guided } from '../compiled.ts';
import type { Condition, Denoiser, ImageBatch, TrainingScheduler } from '../contracts.ts';
import { DiffusionError } from '../errors.ts';
import { nextTurn } from '../next-turn.ts';
import { trainingTarget } from './objective.ts';

export interface ValidateOptions {
  denoiser: Denoiser;
  scheduler: TrainingScheduler;
  /** Images that were not trained on; each batch is disposed. */
  batches: AsyncIterable<ImageBatch>;
  /** Equal parts of the chain that the loss is told for; default 10. */
  bins?: number;
  /** Of timesteps and noise: the same seed measures the same thing at any time of a training. */
  seed: number;
  /** Whether the network sees the batches' labels; default false. */
  classConditioning?: boolean;
  /** Run the network as a graph where the engine can; default true. */
  compile?: boolean;
}

/** The mean squared error on timesteps `from` .. `to`, inclusive; NaN where no image fell into them. */
export interface ValidationBin {
  from: number;
  to: number;
  loss: number;
  count: number;
}

export interface Validation {
  /** The mean squared error on all images. */
  loss: number;
  bins: ValidationBin[];
}

/**
 * The loss on images that are not trained on, in all and by parts of the chain. Image i is noised at a timestep of part
 * i mod `bins`, so that every part sees as many.
 *
 * @throws DiffusionError `DIFFUSION_BAD_COUNT`, `DIFFUSION_BAD_DENOISER_OUTPUT`
 */
export async function validate(options: ValidateOptions): Promise<Validation> {
  const { denoiser, scheduler, batches, bins = 10, seed, classConditioning = false } = options;
  const chain = Number(scheduler.config['num_train_timesteps']);
  if (!(Number.isInteger(bins) && bins >= 1 && bins <= chain)) {
    const allowed = `an integer from 1 to ${chain}, the length of the chain`;
    throw new DiffusionError('DIFFUSION_BAD_COUNT', invalidArgument({ argument: 'bins', value: bins, allowed }));
  }
  const edge = (bin: number) => Math.floor((bin * chain) / bins);
  const sums = Array.from({ length: bins }, () => ({ sum: 0, count: 0 }));
  const root = createGenerator(seed);
  const errorsOf = compile(
    (noisy: tf.Tensor4D, timesteps: tf.Tensor1D, target: tf.Tensor4D, ...labels: tf.Tensor1D[]): tf.Tensor1D => {
      const condition: Condition | undefined = labels[0] && { classLabels: labels[0] };
      const output = denoiser.predict(noisy, timesteps, condition);
      checkOutput(output, noisy, target.shape);
      return tf.mean(tf.square(tf.sub(output, target)), [1, 2, 3]);
    },
    { enabled: options.compile ?? true },
  );
  let first = 0;
  try {
    for await (const { images, labels } of batches) {
      await nextTurn();
      const generators = Array.from({ length: images.shape[0] }, (_, i) => root.fork(first + i));
      const size = images.size / generators.length;
      const bin = (i: number) => (first + i) % bins;
      const timesteps = generators.map((generator, i) => {
        return edge(bin(i)) + generator.integer(edge(bin(i) + 1) - edge(bin(i)));
      });
      const errors = tf.tidy(() => {
        const values = new Float32Array(images.size);
        generators.forEach((generator, i) => generator.fillNormal(values.subarray(i * size, (i + 1) * size)));
        const noise = tf.tensor4d(values, images.shape);
        const noisy = scheduler.addNoise(images, noise, timesteps);
        const target = trainingTarget(scheduler, images, noise, timesteps);
        const classes = classConditioning && labels !== undefined ? [tf.tensor1d(Float32Array.from(labels))] : [];
        return guided(() => errorsOf(noisy, tf.tensor1d(timesteps, 'float32'), target, ...classes));
      });
      images.dispose();
      (await errors.data()).forEach((error, i) => {
        sums[bin(i)]!.sum += error;
        sums[bin(i)]!.count += 1;
      });
      errors.dispose();
      first += generators.length;
    }
  } finally {
    errorsOf.dispose();
  }
  const total = sums.reduce((all, one) => ({ sum: all.sum + one.sum, count: all.count + one.count }));
  return {
    loss: total.sum / total.count,
    bins: sums.map(({ sum, count }, i) => ({ from: edge(i), to: edge(i + 1) - 1, loss: sum / count, count })),
  };
}
