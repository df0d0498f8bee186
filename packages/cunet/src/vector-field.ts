import * as tf from '@tensorflow/tfjs-core';
import {
  Conv2d,
  Film,
  GroupNorm,
  hasVelocityAcceleration,
  InstanceNorm,
  modulated,
  Module,
  silu,
  velocityAcceleration,
  type ActivationName,
} from '@missing-u/unet-blocks';
import { activated } from './activated.ts';
import type { CUNetConfig } from './options.ts';

/** z' as a function of the integration time and the state. */
export type Field = (time: number, state: tf.Tensor4D) => tf.Tensor4D;

/**
 * The right-hand side of a dynamic block: norm, convolution, activation, norm, FiLM, convolution, activation, plus the
 * residual. In second order it gives the acceleration a, and the state [x, v] moves by [v, a] (equation 4 of the paper); in
 * first order it gives the derivative of the whole state.
 */
export class VectorField extends Module {
  private readonly norm1;
  private readonly conv1: Conv2d;
  private readonly norm2;
  private readonly film: Film | undefined;
  private readonly conv2: Conv2d;
  private readonly residual: Conv2d | 'identity' | undefined;

  constructor(
    private readonly config: CUNetConfig,
    channels: number,
  ) {
    super();
    const outChannels = config.order === 'second' ? channels / 2 : channels;
    const timeChannels = config.integrationTime ? 1 : 0;
    const inChannels = channels + timeChannels;
    const norm = () =>
      config.norm === 'group' ? new GroupNorm({ groups: config.groups, channels }) : new InstanceNorm({ channels });
    this.norm1 = this.child('norm1', norm());
    this.conv1 = this.child('conv1', new Conv2d({ inChannels, outChannels: channels }));
    this.norm2 = this.child('norm2', norm());
    if (config.timeConditioning === 'film') {
      this.film = this.child('film', new Film({ embeddingSize: config.timeSize, channels, activation: 'identity' }));
    }
    this.conv2 = this.child('conv2', new Conv2d({ inChannels, outChannels, kernelSize: config.secondKernel }));
    if (config.residual === 'identity') this.residual = 'identity';
    else if (config.residual !== 'none') {
      const kernelSize = config.residual === 'conv3x3' ? 3 : 1;
      this.residual = this.child('residual', new Conv2d({ inChannels: channels, outChannels, kernelSize }));
    }
  }

  /** The field of one call: what does not change along the integration is computed here, once. */
  field(embedding: tf.Tensor2D | undefined): Field {
    const condition = embedding === undefined ? undefined : silu(embedding);
    const affine1 = this.norm1.affine();
    const affine2 = this.norm2.affine();
    return (time, state) =>
      tf.tidy(() => {
        const normed = this.norm1.apply(state, affine1);
        const inner = activated(this.conv1, this.withTime(time, normed), this.config.activation);
        const modulation = condition === undefined ? undefined : this.film?.forward(condition);
        const conditioned = this.norm2.apply(inner, modulated(affine2, modulation));
        const { activation, accelerationOutput } = this.config;
        const output = accelerationOutput === 'activated' ? activation : 'identity';
        const outerInput = this.withTime(time, conditioned);
        const inOnePass = this.inOnePass(outerInput, state, output);
        if (inOnePass !== undefined) return inOnePass;
        const outer = activated(this.conv2, outerInput, output);
        const derivative = this.addResidual(outer, state);
        if (this.config.order === 'first') return derivative;
        const [images, height, width, channels] = state.shape;
        const velocity = tf.slice(state, [0, 0, 0, channels / 2], [images, height, width, channels / 2]);
        return tf.concat([velocity, derivative], 3);
      });
  }

  /** [v, a] from one kernel where the engine has it and this field is one that it computes. */
  private inOnePass(input: tf.Tensor4D, state: tf.Tensor4D, output: ActivationName): tf.Tensor4D | undefined {
    const { conv2, residual } = this;
    if (this.config.order === 'first' || !(residual instanceof Conv2d)) return undefined;
    if ((output !== 'relu' && output !== 'identity') || !hasVelocityAcceleration()) return undefined;
    const [branch, shortcut] = [conv2.forwardApart(input), residual.forwardApart(state)];
    if (branch === undefined || shortcut === undefined) return undefined;
    return velocityAcceleration(branch, shortcut, state, output === 'relu');
  }

  private withTime(time: number, x: tf.Tensor4D): tf.Tensor4D {
    if (!this.config.integrationTime) return x;
    return tf.concat([x, tf.fill<tf.Rank.R4>([x.shape[0], x.shape[1], x.shape[2], 1], time)], 3);
  }

  private addResidual(derivative: tf.Tensor4D, state: tf.Tensor4D): tf.Tensor4D {
    if (this.residual === undefined) return derivative;
    return tf.add(derivative, this.residual === 'identity' ? state : this.residual.forward(state));
  }
}
