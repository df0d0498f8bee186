import { invalidArgument } from '@missing-u/errors';
import type { Generator } from '@missing-u/random';
import type { ImageBatch } from '../contracts.ts';
import { DiffusionError } from '../errors.ts';
import { noiseFactors, type NoiseJitterOptions } from './noise-jitter.ts';
import type { TimestepSampler } from './timestep-sampler.ts';

/** The random choices of one step, for all images of all its batches. */
export interface Draws {
  /** Draws the noise. */
  generator: Generator;
  timesteps: Float64Array;
  /** How much each image's error counts; 1 / images where nothing is weighted. */
  shares: Float64Array;
  labels?: Float32Array;
  /** What the noise of each image is multiplied by, where it is jittered. */
  noiseFactors?: Float32Array;
  selfCondition: boolean;
  /** Its fork i draws the dropout of image i. */
  dropout: Generator;
}

export interface DrawOptions extends NoiseJitterOptions {
  selfConditioning?: boolean;
  classConditioning?: { nullLabel: number; dropout?: number };
}

/** Streams of a step beside that of timesteps and noise, so that options do not move each other's draws. */
const LABELS = 1;
const SELF_CONDITION = 2;
const NOISE_JITTER = 3;
const DROPOUT = 4;

/**
 * Makes the choices of a step from its generator.
 *
 * @param weights how much the loss counts at each timestep
 * @throws DiffusionError `DIFFUSION_NO_LABELS`
 */
export function drawStep(
  generator: Generator,
  batches: readonly ImageBatch[],
  sampler: TimestepSampler,
  weights: Float64Array,
  options: DrawOptions,
): Draws {
  const count = batches.reduce((sum, { images }) => sum + images.shape[0], 0);
  const { values: timesteps, weights: ofSampler } = sampler.draw(generator, count);
  const labels = labelsOf(batches, generator.fork(LABELS), options);
  const { noiseJitter = 0, selfConditioning = false } = options;
  return {
    generator,
    timesteps,
    shares: ofSampler.map((weight, i) => (weight * weights[timesteps[i]!]!) / count),
    ...(labels && { labels }),
    ...(noiseJitter > 0 && { noiseFactors: noiseFactors(generator.fork(NOISE_JITTER), count, options) }),
    selfCondition: selfConditioning && generator.fork(SELF_CONDITION).uniform() < 0.5,
    dropout: generator.fork(DROPOUT),
  };
}

/** The labels of all images, some of them hidden; undefined where training is not conditional. */
function labelsOf(
  batches: readonly ImageBatch[],
  generator: Generator,
  { classConditioning }: DrawOptions,
): Float32Array | undefined {
  if (classConditioning === undefined) return undefined;
  const { nullLabel, dropout = 0.1 } = classConditioning;
  const labels = batches.flatMap(({ labels, images }) => {
    if (labels?.length === images.shape[0]) return Array.from(labels);
    const value = labels === undefined ? undefined : `a list of ${labels.length}`;
    const allowed = `one class number for each of the ${images.shape[0]} images, because training is class-conditional`;
    throw new DiffusionError('DIFFUSION_NO_LABELS', invalidArgument({ argument: 'labels', value, allowed }));
  });
  return Float32Array.from(labels, (label) => (generator.uniform() < dropout ? nullLabel : label));
}
