import * as tf from '@tensorflow/tfjs-core';
import { integrate, type Gradient, type OdeOptions } from '@missing-u/ode-solvers';
import { Module } from '@missing-u/unet-blocks';
import type { CUNetConfig } from './options.ts';
import { odeOptions } from './solver.ts';
import { VectorField } from './vector-field.ts';

/** A neural ODE as a layer: moves the state along a learned vector field from integration time 0 to 1. */
export class DynamicBlock extends Module {
  private readonly f: VectorField;
  private readonly solver: OdeOptions<tf.Tensor4D>;

  constructor(config: CUNetConfig, channels: number, gradient: Gradient) {
    super();
    this.f = this.child('f', new VectorField(config, channels));
    this.solver = odeOptions(config.solver, gradient);
  }

  /** State: [N, H, W, C] to the same shape; embedding: [N, time size]. */
  forward(state: tf.Tensor4D, embedding: tf.Tensor2D | undefined): tf.Tensor4D {
    return tf.tidy(() => integrate(this.f.field(embedding), state, 0, 1, this.solver).y);
  }
}
