import { invalidArgument } from '@missing-u/errors';
import { RePaintScheduler } from '@missing-u/schedulers';
import * as tf from '@tensorflow/tfjs-core';
import { checkNames } from '../check-names.ts';
import { checkOutput } from '../check-output.ts';
import { DiffusionError } from '../errors.ts';
import { nextTurn } from '../next-turn.ts';
import { chainOf, predictNoise } from './chain.ts';
import { guidedOptionNames, type DiffusionPipeline, type GuidedOptions } from './diffusion-pipeline.ts';
import { generatorsOf, noisePerItem, type Randomness } from './noise.ts';
import { checkImages, checkValues, toModelRange, toUnitRange } from './ranges.ts';

export interface InpaintOptions extends Omit<GuidedOptions, 'selfConditioning'> {
  /** [batch, height, width, channels], float32 in [0, 1]; they stay alive. */
  images: tf.Tensor4D;
  /** 1 where the image is known, 0 where it is to be painted: [batch or 1, height, width, 1 or channels]. */
  mask: tf.Tensor4D;
  /** Steps from noise to image, without the jumps back; default 250. */
  numInferenceSteps?: number;
  /** Steps of one jump back towards noise; default 10. */
  jumpLength?: number;
  /** How often each stretch is gone through; default 10. With 1 nothing is repeated. */
  jumpNSample?: number;
  /** A seed or a generator, whose fork i draws image i, or a list with one for each image; default seed 0. */
  generator?: Randomness;
  /** Told after each step, of `total` with the jumps back. */
  onStep?: (done: number, total: number) => void;
}

const { selfConditioning: _, ...inpaintGuidedNames } = guidedOptionNames;
const inpaintOptionNames: Record<keyof InpaintOptions, true> = {
  ...inpaintGuidedNames,
  ...{ images: true, mask: true, numInferenceSteps: true, jumpLength: true, jumpNSample: true, generator: true },
  ...{ onStep: true },
};

/**
 * Paints the unknown part of images with an unconditional model, by going back and forth between noise and image so that both
 * parts fit (RePaint, Lugmayr et al. 2022, algorithm 1). The known part stays as it is.
 *
 * @returns [batch, height, width, channels] in [0, 1], which the caller disposes.
 * @throws DiffusionError `DIFFUSION_BAD_IMAGES`, `DIFFUSION_BAD_MASK`, `DIFFUSION_NO_CHAIN`, `DIFFUSION_BAD_DENOISER_OUTPUT`,
 *   `DIFFUSION_BAD_GENERATORS`, `DIFFUSION_UNKNOWN_OPTION`
 */
export async function inpaint(pipeline: DiffusionPipeline, options: InpaintOptions): Promise<tf.Tensor4D> {
  checkNames(options, inpaintOptionNames);
  const { images, mask, numInferenceSteps = 250, jumpLength = 10, jumpNSample = 10, eta = 0, signal } = options;
  checkImages(images);
  checkMask(mask, images);
  checkValues(await images.data<'float32'>());
  const chain = chainOf(pipeline.scheduler, 'inpaint');
  const { _class_name, _diffusers_version, prediction_type: _type, ...config } = chain.config;
  const scheduler = new RePaintScheduler({ ...config, eta });
  scheduler.setTimesteps(numInferenceSteps, { jumpLength, jumpNSample });
  const generators = generatorsOf(options.generator ?? 0, 0, images.shape[0]);
  const shape = images.shape.slice(1) as [number, number, number];
  const classLabels =
    typeof options.classLabels === 'number' ? generators.map(() => options.classLabels as number) : options.classLabels;
  const condition = classLabels === undefined ? [] : [{ classLabels }];
  const unet = pipeline.denoiserFor(options);
  const [originalImage, whole] = tf.tidy(() => [toModelRange(images), tf.add<tf.Tensor4D>(mask, tf.zerosLike(images))]);
  let sample = noisePerItem(generators, shape);
  try {
    const timesteps = Array.from(scheduler.timesteps);
    let last = timesteps[0]! + 1;
    for (const [index, timestep] of timesteps.entries()) {
      signal?.throwIfAborted();
      const next = tf.tidy(() => {
        if (timestep > last) return scheduler.undoStep(sample, last, { generator: generators });
        const output = predictNoise(unet, chain, sample, timestep, ...condition);
        checkOutput(output, sample);
        const noise = noisePerItem(generators, shape);
        return scheduler.step(output, timestep, sample, { originalImage, mask: whole, noise }).prevSample;
      });
      sample.dispose();
      sample = next;
      last = timestep;
      await nextTurn();
      options.onStep?.(index + 1, timesteps.length);
    }
    return toUnitRange(sample);
  } finally {
    tf.dispose([sample, originalImage, whole]);
  }
}

function checkMask(mask: tf.Tensor4D, images: tf.Tensor4D): void {
  const [batch, height, width, channels] = images.shape;
  const [items, rows, columns, depth] = mask?.shape ?? [];
  const fits = [1, batch].includes(items) && rows === height && columns === width && [1, channels].includes(depth);
  if (mask?.shape?.length === 4 && fits) return;
  const allowed = `a tensor [${batch} or 1, ${height}, ${width}, ${channels} or 1], 1 where the image is known and 0 elsewhere`;
  throw new DiffusionError('DIFFUSION_BAD_MASK', invalidArgument({ argument: 'mask', value: mask, allowed }));
}
