import * as tf from '@tensorflow/tfjs-core';
import { activation, type ActivationName } from '../functional/activations.ts';
import { Module } from '../module.ts';
import { Linear } from './linear.ts';
import type { Modulation } from './norms.ts';

export interface FilmOptions {
  /** Size of the embedding. */
  embeddingSize: number;
  channels: number;
  /** Applied to the embedding first; default silu. */
  activation?: ActivationName;
}

/** FiLM (Perez et al. 2018): a scale and a shift per channel from an embedding, Linear(act(e)). */
export class Film extends Module {
  private readonly linear: Linear;
  private readonly activate;

  constructor({ embeddingSize, channels, activation: name = 'silu' }: FilmOptions) {
    super();
    this.activate = activation(name);
    this.linear = this.child('linear', new Linear({ inFeatures: embeddingSize, outFeatures: 2 * channels }));
  }

  /** [N, embedding size] to a scale and a shift, each [N, 1, 1, C]. */
  forward(embedding: tf.Tensor2D): Modulation {
    return tf.tidy(() => splitModulation(this.linear.forward(this.activate(embedding))));
  }
}

/** The two halves of [N, 2C] as a scale and a shift, in this order. */
export function splitModulation(values: tf.Tensor2D): Modulation {
  const [images, both] = values.shape;
  const [scale, shift] = tf.split<tf.Tensor4D>(tf.reshape<tf.Rank.R4>(values, [images, 1, 1, both]), 2, 3);
  return { scale: scale!, shift: shift! };
}
