import * as tf from '@tensorflow/tfjs-core';
import { Module } from '@missing-u/unet-blocks';
import type { CUNetConfig } from './options.ts';
import { VectorField, type Field } from './vector-field.ts';

/** A neural ODE as a layer: moves the state along a learned vector field from integration time 0 to 1. */
export class DynamicBlock extends Module {
  private readonly f: VectorField;

  constructor(
    private readonly config: CUNetConfig,
    channels: number,
  ) {
    super();
    this.f = this.child('f', new VectorField(config, channels));
  }

  forward(state: tf.Tensor4D, embedding: tf.Tensor2D | undefined): tf.Tensor4D {
    return tf.tidy(() => solve(this.f.field(embedding), state, this.config.solver.steps));
  }
}

/** Steps of the 3/8 rule. */
function solve(f: Field, state: tf.Tensor4D, steps: number): tf.Tensor4D {
  const h = 1 / steps;
  let z = state;
  for (let step = 0; step < steps; step++) {
    const t = step * h;
    const k1 = f(t, z);
    const k2 = f(t + h / 3, tf.add(z, tf.mul(k1, h / 3)));
    const k3 = f(t + (2 * h) / 3, tf.add(z, tf.mul(tf.sub(k2, tf.mul(k1, 1 / 3)), h)));
    const k4 = f(t + h, tf.add(z, tf.mul(tf.add(tf.sub(k1, k2), k3), h)));
    z = tf.add(z, tf.mul(tf.add(tf.add(k1, k4), tf.mul(tf.add(k2, k3), 3)), h / 8));
  }
  return z;
}
