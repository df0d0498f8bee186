import { invalidArgument } from '@missing-u/errors';
import type { Generator } from '@missing-u/random';
import * as tf from '@tensorflow/tfjs-core';
import { checkNames } from '../check-names.ts';
import { DiffusionError } from '../errors.ts';
import { guidedOptionNames, type DiffusionPipeline, type GuidedOptions } from './diffusion-pipeline.ts';
import { denoisePartially, partialOptionNames, type PartialOptions } from './image-to-image.ts';
import { imageShapeOf, type ImageShape } from './image-shape.ts';
import { generatorOf, noisePerItem } from './noise.ts';
import { checkImages, checkValues, toUnitRange } from './ranges.ts';
import { withOwnScheduler } from './own-scheduler.ts';
import { finish } from './reverse-process.ts';
import { visitFor, type StepCallback } from './step-callback.ts';

export interface InterpolateImagesOptions extends Omit<PartialOptions, 'generator'> {
  /** The two images, [height, width, channels], float32 in [0, 1]; they stay alive. */
  from: tf.Tensor3D;
  to: tf.Tensor3D;
  /** Images on the way, the reconstructions of both ends included; 2 or more, default 5. */
  count?: number;
  /** Draws the one noise that all share; default seed 0. */
  generator?: number | Generator;
}

const imagesOptionNames: Record<keyof InterpolateImagesOptions, true> = {
  ...partialOptionNames,
  ...{ from: true, to: true, count: true },
};

/**
 * Images between two images (Ho et al. 2020, section 4.3): both are noised part of the way with the same noise, mixed there,
 * and denoised.
 *
 * @returns [count, height, width, channels] in [0, 1], which the caller disposes.
 * @throws DiffusionError `DIFFUSION_BAD_IMAGES`, `DIFFUSION_BAD_COUNT`, `DIFFUSION_BAD_STRENGTH`, `DIFFUSION_BAD_GENERATORS`,
 *   `DIFFUSION_UNKNOWN_OPTION`
 */
export async function interpolateImages(
  pipeline: DiffusionPipeline,
  options: InterpolateImagesOptions,
): Promise<tf.Tensor4D> {
  checkNames(options, imagesOptionNames);
  const { from, to, count = 5, generator = 0, strength = 0.5, ...partial } = options;
  checkCount(count);
  const root = generatorOf(generator);
  const shares = tf.tidy(() => tf.reshape<tf.Rank.R4>(tf.linspace(0, 1, count), [count, 1, 1, 1]));
  let mixed: tf.Tensor4D | undefined;
  let noise: tf.Tensor4D | undefined;
  try {
    // With one noise for both ends, mixing the noisy images is noising the mixed ones.
    mixed = tf.tidy(() => {
      const [a, b] = [from, to].map((image) => tf.expandDims<tf.Tensor4D>(image, 0)) as [tf.Tensor4D, tf.Tensor4D];
      checkPair(a, b);
      return tf.add(a, tf.mul(tf.sub(b, a), shares));
    });
    for (const [end, image] of Object.entries({ from, to })) checkValues(await image.data<'float32'>(), end);
    noise = tf.tidy(() => tf.tile(noisePerItem([root.fork(0)], from.shape), [count, 1, 1, 1]));
    const generators = Array.from({ length: count }, () => root.fork(1));
    return await denoisePartially(pipeline, mixed, noise, generators, { ...partial, strength });
  } finally {
    tf.dispose([shares, mixed ?? [], noise ?? []]);
  }
}

export interface InterpolateNoiseOptions extends Omit<GuidedOptions, 'eta'> {
  /** Seeds or generators of the two images: `{ generator: 3 }` samples the image that `fork(0)` of seed 3 gives. */
  from: number | Generator;
  to: number | Generator;
  /** Images on the way, both ends included; 2 or more, default 5. */
  count?: number;
  imageShape?: ImageShape;
  /** Default 50. */
  numInferenceSteps?: number;
  /** Called after each step; tensors that it returns take the place of the step's. */
  callbackOnStepEnd?: StepCallback;
}

const { eta: _eta, ...noiseGuidedNames } = guidedOptionNames;
const noiseOptionNames: Record<keyof InterpolateNoiseOptions, true> = {
  ...noiseGuidedNames,
  ...{ from: true, to: true, count: true, imageShape: true, numInferenceSteps: true, callbackOnStepEnd: true },
};

/**
 * Images between two samples (Song et al. 2021, "Denoising Diffusion Implicit Models", equation 67): their noises are
 * interpolated on the sphere, and denoised without fresh noise. The scheduler has to be deterministic, as DDIM is.
 *
 * @returns [count, height, width, channels] in [0, 1], which the caller disposes.
 * @throws DiffusionError `DIFFUSION_BAD_COUNT`, `DIFFUSION_BAD_IMAGE_SHAPE`, `DIFFUSION_BAD_GENERATORS`,
 *   `DIFFUSION_UNKNOWN_OPTION`
 */
export async function interpolateNoise(
  pipeline: DiffusionPipeline,
  options: InterpolateNoiseOptions,
): Promise<tf.Tensor4D> {
  checkNames(options, noiseOptionNames);
  const { from, to, count = 5, imageShape, numInferenceSteps = 50, callbackOnStepEnd, ...guided } = options;
  checkCount(count);
  const [beginning, end] = [generatorOf(from, 'from'), generatorOf(to, 'to')];
  const shape = imageShapeOf(pipeline.unet, imageShape);
  return withOwnScheduler(pipeline.scheduler, async (scheduler) => {
    scheduler.setTimesteps(numInferenceSteps);
    const sample = tf.tidy(() => {
      const [a, b] = [beginning, end].map((root) => noisePerItem([root.fork(0)], shape)) as [tf.Tensor4D, tf.Tensor4D];
      const shares = Array.from({ length: count }, (_, i) => i / (count - 1));
      return tf.mul<tf.Tensor4D>(tf.concat(shares.map((share) => spherical(a, b, share))), scheduler.initNoiseSigma);
    });
    const generators = Array.from({ length: count }, () => beginning.fork(1));
    const timesteps = Array.from(scheduler.timesteps);
    const process = pipeline.reverse({ ...guided, scheduler, eta: 0, sample, timesteps, generators });
    const result = await finish(process, visitFor(pipeline, callbackOnStepEnd));
    const unit = toUnitRange(result);
    result.dispose();
    return unit;
  });
}

/** sin((1 - s) w) / sin(w) a + sin(s w) / sin(w) b, with w the angle between a and b. */
function spherical(a: tf.Tensor4D, b: tf.Tensor4D, share: number): tf.Tensor4D {
  const dot = (x: tf.Tensor, y: tf.Tensor) => tf.sum(tf.mul(x, y));
  const cosine = tf.div(dot(a, b), tf.sqrt(tf.mul(dot(a, a), dot(b, b))));
  // Parallel noises have no angle to divide by: there the mix is linear.
  const angle = tf.acos(tf.clipByValue(cosine, -1 + 1e-7, 1 - 1e-7));
  const weight = (part: number) => tf.div(tf.sin(tf.mul(angle, part)), tf.sin(angle));
  return tf.add(tf.mul(a, weight(1 - share)), tf.mul(b, weight(share)));
}

function checkCount(count: number): void {
  if (Number.isInteger(count) && count >= 2) return;
  const allowed = 'an integer of 2 or more';
  throw new DiffusionError('DIFFUSION_BAD_COUNT', invalidArgument({ argument: 'count', value: count, allowed }));
}

function checkPair(from: tf.Tensor4D, to: tf.Tensor4D): void {
  checkImages(from, 'from');
  checkImages(to, 'to');
  if (from.shape.join() === to.shape.join()) return;
  const allowed = `an image of the shape of \`from\`, [${from.shape.slice(1).join(', ')}]`;
  const value = `an image of shape [${to.shape.slice(1).join(', ')}]`;
  throw new DiffusionError('DIFFUSION_BAD_IMAGES', invalidArgument({ argument: 'to', value, allowed }));
}
