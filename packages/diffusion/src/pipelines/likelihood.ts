import type { Generator } from '@missing-u/random';
import {
  epsilonDenoiser,
  sampleDenoiser,
  sigmaRange,
  velocityDenoiser,
  type TimestepModel,
} from '@missing-u/schedulers';
import { logLikelihood } from '@missing-u/schedulers/likelihood';
import * as tf from '@tensorflow/tfjs-core';
import { chainOf } from './chain.ts';
import type { DiffusionPipeline } from './diffusion-pipeline.ts';
import { generatorOf } from './noise.ts';
import { checkImages, checkValues, toModelRange } from './ranges.ts';

export interface LikelihoodOptions {
  /** [batch, height, width, channels], float32 in [0, 1]; they stay alive. */
  images: tf.Tensor4D;
  /** Add uniform noise of one of 256 levels to images of bytes, which makes a density of their probabilities; default true. */
  dequantize?: boolean;
  /** `hutchinson` (default) estimates the divergence by one random direction, `exact` takes one gradient per number. */
  trace?: 'hutchinson' | 'exact';
  /** Draws direction and dequantisation; default seed 0. */
  generator?: number | Generator;
  /** Tolerances of the solver; default 1e-4 each. */
  rtol?: number;
  atol?: number;
}

export interface Likelihood {
  /** log p of each image in nats, as a density of images in [-1, 1]. */
  logLikelihood: Float64Array;
  /** Bits per number of each image of bytes: what is reported as bits/dim. */
  bitsPerDim: Float64Array;
  /** Calls of network and divergence. */
  nfe: number;
}

const denoisers = { epsilon: epsilonDenoiser, sample: sampleDenoiser, v_prediction: velocityDenoiser };

/**
 * The likelihood of images under the model's probability-flow ODE (Song et al. 2021, "Score-Based Generative Modeling",
 * section 4.3 and appendix D.2).
 *
 * @throws DiffusionError `DIFFUSION_BAD_IMAGES`, `DIFFUSION_NO_CHAIN`, `DIFFUSION_BAD_GENERATORS`
 */
export function likelihood(pipeline: DiffusionPipeline, options: LikelihoodOptions): Likelihood {
  const { images, dequantize = true, trace = 'hutchinson', rtol = 1e-4, atol = 1e-4, generator = 0 } = options;
  checkImages(images);
  checkValues(images.dataSync<'float32'>());
  const { alphasCumprod, predictionType } = chainOf(pipeline.scheduler, 'likelihood');
  const random = generatorOf(generator);
  const model: TimestepModel<tf.Tensor4D> = (x, timestep) => pipeline.unet.predict(x, timestep);
  const settings = { trace, rtol, atol, generator: random };
  const denoiser = denoisers[predictionType](model, alphasCumprod);
  const scaled = tf.tidy(() => toModelRange(dequantize ? withNoise(images, random) : images));
  try {
    const found = logLikelihood(denoiser, scaled, sigmaRange(alphasCumprod), settings);
    // A level of a byte is 2 / 256 wide in [-1, 1].
    return { ...found, bitsPerDim: found.bitsPerDim.map((bits) => bits + Math.log2(128)) };
  } finally {
    scaled.dispose();
  }
}

/** Bytes as 0 .. 1 spread evenly over their 256 levels. */
function withNoise(images: tf.Tensor4D, generator: Generator): tf.Tensor4D {
  const noise = tf.tensor4d(generator.fillUniform(new Float32Array(images.size)), images.shape);
  return tf.div(tf.add(tf.mul(images, 255), noise), 256);
}
