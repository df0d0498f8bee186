import * as tf from '@tensorflow/tfjs-core';
import type { Generator } from '@missing-u/random';
import { Module } from '../module.ts';

/** Zeroes a share of the numbers in training and scales the rest up; does nothing otherwise. */
export class Dropout extends Module {
  private generator: Generator | undefined;

  constructor(private readonly rate: number) {
    super();
  }

  protected override setDropout(generator: Generator | undefined): void {
    this.generator = generator;
  }

  protected override isRandom(): boolean {
    return this.generator !== undefined && this.rate > 0;
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    const { generator, rate } = this;
    if (generator === undefined || rate === 0) return x;
    return tf.tidy(() => {
      const draws = generator.fillUniform(new Float32Array(x.size));
      const mask = draws.map((draw) => (draw < rate ? 0 : 1 / (1 - rate)));
      return tf.mul(x, tf.tensor4d(mask, x.shape));
    });
  }
}
