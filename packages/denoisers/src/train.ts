import * as tf from '@tensorflow/tfjs-core';
import { invalidArgument } from '@missing-u/errors';
import type { Generator } from '@missing-u/random';
import { Adam } from './adam.ts';
import { checkNames } from './check-names.ts';
import { DenoisersError } from './errors.ts';
import type { TrainableDenoiser } from './face.ts';
import { checkPatchable, drawPatches } from './patches.ts';
import { checkRaster, type RasterImage } from './raster.ts';

export interface TrainOptions {
  /** Standard deviation of the noise on the scale of 0 to 1, or a range from which each patch draws its own ("blind"). */
  sigma: number | readonly [least: number, most: number];
  steps: number;
  /** Of patches, noise and their turns. */
  generator: Generator;
  /** Default 40, the paper's for one noise level. */
  patchSize?: number;
  /** Default 128, as the paper. */
  batchSize?: number;
  /** Adam's at the beginning, from where it goes down to nothing along half a cosine; default 1e-3, as the paper. */
  learningRate?: number;
  /** Steps that were made before an interruption: the learning rate goes on from there. Default 0. */
  firstStep?: number;
  /** Clips the noisy patches to 0 to 1. Default false. */
  clip?: boolean;
  /** Turns and mirrors patches at random; default true. False for pictures with an upside, of which whole ones are taken. */
  turns?: boolean;
  /** `compile` of `@missing-u/engine`: runs each step as one graph where the engine has them. */
  compile?: (step: TrainingStep) => TrainingStep & { dispose(): void };
  /** A promise is waited for. */
  onStep?: (progress: { readonly step: number; readonly loss: number }) => unknown;
  signal?: AbortSignal;
}

const optionNames: Record<keyof TrainOptions, true> = {
  ...{
    sigma: true,
    steps: true,
    generator: true,
    patchSize: true,
    batchSize: true,
    learningRate: true,
    firstStep: true,
  },
  ...{ clip: true, turns: true, compile: true, onStep: true, signal: true },
};

/** One update of the network: noisy and clean patches and the optimiser's numbers in, the loss out. */
export type TrainingStep = (noisy: tf.Tensor4D, clean: tf.Tensor4D, numbers: tf.Tensor1D) => tf.Tensor;

/**
 * Trains a network to map noisy patches to clean ones: mean squared error, Adam, random patches in the eight turns of a
 * square. Since DnCNN subtracts what it predicts, this is the paper's residual learning.
 *
 * @param images clean pictures with the network's number of channels and values of 0 to 1, none smaller than a patch
 * @throws DenoisersError `DENOISERS_UNKNOWN_OPTION`, `DENOISERS_BAD_OPTION`, `DENOISERS_BAD_SIGMA`, `DENOISERS_BAD_IMAGE`
 */
export async function trainDenoiser(
  model: TrainableDenoiser,
  images: readonly RasterImage[],
  options: TrainOptions,
): Promise<void> {
  checkNames('options', options, optionNames);
  const {
    steps,
    firstStep = 0,
    generator,
    patchSize = 40,
    batchSize = 128,
    learningRate = 1e-3,
    clip = false,
    turns = true,
    compile,
    onStep,
    signal,
  } = options;
  const { sigma } = options;
  const range = Array.isArray(sigma) ? (sigma as [number, number]) : ([sigma, sigma] as [number, number]);
  checkNumbers({ steps, firstStep, patchSize, batchSize, learningRate });
  check(model, images, patchSize, range);
  const variables = model.parameters().flatMap(({ variable }) => (variable.trainable ? [variable] : []));
  const adam = new Adam(variables);
  const step: TrainingStep = (x, y, numbers) => {
    const { value, grads } = tf.variableGrads(() => tf.mean(tf.squaredDifference(model.forward(x), y)), variables);
    const gradients = variables.map(({ name }) => grads[name]!);
    adam.update(gradients, numbers);
    return value;
  };
  const compiled = compile?.(step);
  const run = compiled ?? step;
  const shape: [number, number, number, number] = [batchSize, patchSize, patchSize, model.channels];
  try {
    for (let done = firstStep; done < steps; done++) {
      signal?.throwIfAborted();
      const rate = 0.5 * learningRate * (1 + Math.cos((Math.PI * done) / steps));
      const clean = drawPatches(images, batchSize, patchSize, generator, turns);
      const noisy = addNoise(clean, range, clip, batchSize, generator);
      const loss = tf.tidy(() => run(tf.tensor4d(noisy, shape), tf.tensor4d(clean, shape), adam.numbers(rate)));
      const [value] = await loss.data();
      loss.dispose();
      await onStep?.({ step: done + 1, loss: value! });
    }
  } finally {
    compiled?.dispose();
    adam.dispose();
  }
}

function addNoise(
  clean: Float32Array,
  [least, most]: readonly [number, number],
  clip: boolean,
  batchSize: number,
  generator: Generator,
): Float32Array {
  const noisy = generator.fillNormal(new Float32Array(clean.length));
  const perPatch = clean.length / batchSize;
  for (let n = 0, i = 0; n < batchSize; n++) {
    const sigma = least + (most - least) * (least === most ? 0 : generator.uniform());
    for (const end = i + perPatch; i < end; i++) {
      const value = clean[i]! + sigma * noisy[i]!;
      noisy[i] = clip ? Math.min(Math.max(value, 0), 1) : value;
    }
  }
  return noisy;
}

function checkNumbers(
  numbers: Record<'steps' | 'firstStep' | 'patchSize' | 'batchSize' | 'learningRate', unknown>,
): void {
  const { learningRate, ...counts } = numbers;
  for (const [argument, value] of Object.entries(counts)) {
    const least = argument === 'firstStep' || argument === 'steps' ? 0 : 1;
    if (Number.isInteger(value) && (value as number) >= least) continue;
    const allowed = `an integer of ${least} or more`;
    throw new DenoisersError('DENOISERS_BAD_OPTION', invalidArgument({ argument, value, allowed }));
  }
  if (typeof learningRate === 'number' && learningRate > 0 && learningRate < Infinity) return;
  const bad = { argument: 'learningRate', value: learningRate, allowed: 'a number above 0' };
  throw new DenoisersError('DENOISERS_BAD_OPTION', invalidArgument(bad));
}

function check(
  model: TrainableDenoiser,
  images: readonly RasterImage[],
  patchSize: number,
  [least, most]: readonly [unknown, unknown],
): void {
  const numbers = typeof least === 'number' && typeof most === 'number';
  if (!(numbers && least >= 0 && most >= least && most <= 10)) {
    const bad = {
      argument: 'sigma',
      value: [least, most],
      allowed: 'standard deviations for values of 0 to 1, the smaller first',
    };
    throw new DenoisersError('DENOISERS_BAD_SIGMA', invalidArgument(bad));
  }
  for (const image of images) checkRaster(image, 0);
  checkPatchable(images, patchSize, model.channels);
}
