import * as tf from '@tensorflow/tfjs-core';
import { normal } from '../initializers.ts';
import { Module } from '../module.ts';

/** A learned table, one row per integer: PyTorch's `nn.Embedding`. */
export class Embedding extends Module {
  private readonly weight;

  constructor({ count, size }: { count: number; size: number }) {
    super();
    this.weight = this.parameter<tf.Rank.R2>('weight', [count, size], { initializer: normal() });
  }

  /** [N] whole numbers to [N, size]. */
  forward(indices: tf.Tensor1D): tf.Tensor2D {
    return tf.tidy(() => tf.gather(this.weight.variable, tf.cast(indices, 'int32')));
  }
}
