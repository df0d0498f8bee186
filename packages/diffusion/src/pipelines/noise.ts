import { invalidArgument } from '@missing-u/errors';
import { createGenerator, type Generator } from '@missing-u/random';
import * as tf from '@tensorflow/tfjs-core';
import { DiffusionError } from '../errors.ts';

/**
 * Standard normal noise [generators.length, height, width, channels], one generator per image: an image is then the same
 * whichever images it is made together with. Each image is drawn channel by channel, in PyTorch's order, so that a
 * `torchGenerator` gives the noise that Python's pipelines draw.
 */
export function noisePerItem(
  generators: readonly Generator[],
  [height, width, channels]: readonly [number, number, number],
): tf.Tensor4D {
  const pixels = height * width;
  const values = new Float32Array(generators.length * pixels * channels);
  const drawn = new Float32Array(pixels * channels);
  generators.forEach((generator, item) => {
    generator.fillNormal(drawn);
    const start = item * drawn.length;
    for (let channel = 0; channel < channels; channel++) {
      for (let pixel = 0; pixel < pixels; pixel++) {
        values[start + pixel * channels + channel] = drawn[channel * pixels + pixel]!;
      }
    }
  });
  return tf.tensor4d(values, [generators.length, height, width, channels]);
}

/** What a pipeline hands on to DDIM's steps; other schedulers ignore it. */
export interface DDIMSettings {
  /** Share of fresh noise in each step, 0 (deterministic, the default) to 1. */
  eta?: number;
  /** Derive the noise of each step from the clipped estimate of the clean images, as lucidrains' sampler does; default false. */
  useClippedModelOutput?: boolean;
}

/**
 * The options of a scheduler's step, with a `noise` that is drawn when it is asked for: a step without noise must not move
 * the generators, or the next one would differ from Python's.
 */
export function stepOptions(
  generators: readonly Generator[],
  sample: tf.Tensor4D,
  { eta, useClippedModelOutput }: DDIMSettings,
): DDIMSettings & { readonly noise: tf.Tensor4D } {
  let noise: tf.Tensor4D | undefined;
  return {
    ...(eta !== undefined && { eta }),
    ...(useClippedModelOutput !== undefined && { useClippedModelOutput }),
    get noise() {
      noise ??= noisePerItem(generators, sample.shape.slice(1) as [number, number, number]);
      return noise;
    },
  };
}

/** The randomness of a set of images: a seed, a generator whose fork i draws image i, or one generator for each image. */
export type Randomness = number | Generator | readonly Generator[];

/**
 * The generators of the images `first` .. `first + count - 1`.
 *
 * @throws DiffusionError `DIFFUSION_BAD_GENERATORS` where a list has not enough of them, or it is none of these.
 */
export function generatorsOf(randomness: Randomness, first: number, count: number): Generator[] {
  if (!isList(randomness)) {
    const root = generatorOf(randomness);
    return Array.from({ length: count }, (_, i) => root.fork(first + i));
  }
  if (randomness.length >= first + count) return randomness.slice(first, first + count);
  const value = `a list of ${randomness.length}`;
  const message = invalidArgument({
    argument: 'generator',
    value,
    allowed: `a list of ${first + count}, one per image`,
  });
  throw new DiffusionError('DIFFUSION_BAD_GENERATORS', message);
}

/**
 * The generator of a seed, or the one that is given.
 *
 * @throws DiffusionError `DIFFUSION_BAD_GENERATORS` where it is neither.
 */
export function generatorOf(randomness: number | Generator, argument = 'generator'): Generator {
  if (typeof randomness === 'number') return createGenerator(randomness);
  if (typeof (randomness as Partial<Generator> | null)?.fork === 'function') return randomness;
  const allowed = 'a seed or a generator of `@missing-u/random`, such as createGenerator(0)';
  throw new DiffusionError('DIFFUSION_BAD_GENERATORS', invalidArgument({ argument, value: randomness, allowed }));
}

function isList(randomness: Randomness): randomness is readonly Generator[] {
  return Array.isArray(randomness);
}
