import * as tf from '@tensorflow/tfjs-core';
import { normal } from '../../initializers.ts';
import { silu } from '../../functional/activations.ts';
import { Embedding } from '../../layers/embedding.ts';
import { Linear } from '../../layers/linear.ts';
import { sinusoidalEmbedding, type SinusoidalOptions } from '../../layers/time-embedding.ts';
import { Module } from '../../module.ts';
import type { UNet2DOptions } from './config.ts';

/** Sines and cosines of 2π·w·ln t with random frequencies w that are never trained (Song et al. 2021). */
export class FourierProjection extends Module {
  private readonly weight;

  constructor({ size, scale }: { size: number; scale: number }) {
    super();
    const draw = normal(scale);
    this.weight = this.parameter<tf.Rank.R1>('weight', [size], {
      trainable: false,
      // diffusers draws them twice and keeps the second.
      initializer: (shape, generator) => (draw(shape, generator), draw(shape, generator)),
    });
  }

  /** [N], positive, to [N, 2·size]. */
  forward(timesteps: tf.Tensor1D): tf.Tensor2D {
    return tf.tidy(() => {
      const logs = tf.reshape(tf.log(timesteps), [-1, 1]);
      const angles = tf.mul(tf.mul(logs, tf.reshape(this.weight.variable, [1, -1])), 2 * Math.PI);
      return tf.concat([tf.sin(angles), tf.cos(angles)], 1) as tf.Tensor2D;
    });
  }
}

/** Linear(SiLU(Linear(x))) with the names of diffusers' `TimestepEmbedding`. */
export class TimestepEmbedding extends Module {
  private readonly linear1: Linear;
  private readonly linear2: Linear;

  constructor({ inFeatures, outFeatures }: { inFeatures: number; outFeatures: number }) {
    super();
    this.linear1 = this.child('linear_1', new Linear({ inFeatures, outFeatures }));
    this.linear2 = this.child('linear_2', new Linear({ inFeatures: outFeatures, outFeatures }));
  }

  forward(x: tf.Tensor2D): tf.Tensor2D {
    return tf.tidy(() => this.linear2.forward(silu(this.linear1.forward(x))));
  }
}

/** The usual sinusoids, without weights. */
class PositionalProjection extends Module {
  constructor(
    private readonly size: number,
    private readonly options: SinusoidalOptions,
  ) {
    super();
  }

  forward(timesteps: tf.Tensor1D): tf.Tensor2D {
    return sinusoidalEmbedding(timesteps, this.size, this.options);
  }
}

/** The features of times before the trained layers: [N] to [N, size]. */
export type TimeProjection = PositionalProjection | FourierProjection | Embedding;

/** diffusers' `time_proj` of the three kinds, and the number of features that it gives. */
export function timeProjection(options: UNet2DOptions): { projection: TimeProjection; size: number } {
  const { timeEmbeddingType, flipSinToCos, freqShift, numTrainTimesteps } = options;
  const size = options.blockOutChannels[0]!;
  if (timeEmbeddingType === 'fourier')
    return { projection: new FourierProjection({ size, scale: 16 }), size: 2 * size };
  if (timeEmbeddingType === 'learned') return { projection: new Embedding({ count: numTrainTimesteps!, size }), size };
  return { projection: new PositionalProjection(size, { flipSinToCos, downscaleFreqShift: freqShift }), size };
}
