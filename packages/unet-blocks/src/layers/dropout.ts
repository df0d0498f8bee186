import * as tf from '@tensorflow/tfjs-core';
import { Module } from '../module.ts';

/** Zeroes a share of the numbers in training and scales the rest up; does nothing otherwise. */
export class Dropout extends Module {
  constructor(private readonly rate: number) {
    super();
  }

  protected override isRandom(): boolean {
    return this.dropoutDraws !== undefined && this.rate > 0;
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    const { dropoutDraws: draw, rate } = this;
    if (draw === undefined || rate === 0) return x;
    return tf.tidy(() => {
      const kept = tf.cast(tf.greaterEqual(draw(x.shape), rate), 'float32');
      return tf.mul(x, tf.mul(kept, 1 / (1 - rate)));
    });
  }
}
