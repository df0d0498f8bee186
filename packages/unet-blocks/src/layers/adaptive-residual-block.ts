import * as tf from '@tensorflow/tfjs-core';
import { checkGroups } from '../checks.ts';
import { activation, type ActivationName } from '../functional/activations.ts';
import { groupNormalize } from '../functional/group-normalize.ts';
import { Module } from '../module.ts';
import { recorded } from '../recorder.ts';
import { Conv2d } from './conv2d.ts';
import { Dropout } from './dropout.ts';
import { splitModulation } from './film.ts';
import { Linear } from './linear.ts';

/** Group norm whose scale and shift come from the time embedding alone: diffusers' `AdaGroupNorm`. */
export class AdaptiveGroupNorm extends Module {
  private readonly groups: number;
  private readonly epsilon: number;
  private readonly linear: Linear;

  constructor({
    groups,
    channels,
    timeSize,
    epsilon,
  }: {
    groups: number;
    channels: number;
    timeSize: number;
    epsilon: number;
  }) {
    super();
    checkGroups(groups, channels);
    this.groups = groups;
    this.epsilon = epsilon;
    this.linear = this.child('linear', new Linear({ inFeatures: timeSize, outFeatures: 2 * channels }));
  }

  forward(x: tf.Tensor4D, time: tf.Tensor2D): tf.Tensor4D {
    return tf.tidy(() => {
      const { scale, shift } = splitModulation(this.linear.forward(time));
      return recorded(this, groupNormalize(x, tf.add(scale, 1), shift, this.groups, this.epsilon), 0);
    });
  }
}

export interface AdaptiveResidualBlockOptions {
  inChannels: number;
  outChannels: number;
  timeSize: number;
  groups: number;
  outGroups: number;
  epsilon: number;
  activation: ActivationName;
  dropout: number;
}

/** The residual block of k-diffusion with the names of diffusers' `ResnetBlockCondNorm2D`: both norms depend on time. */
export class AdaptiveResidualBlock extends Module {
  private readonly norm1: AdaptiveGroupNorm;
  private readonly conv1: Conv2d;
  private readonly norm2: AdaptiveGroupNorm;
  private readonly dropout: Dropout;
  private readonly conv2: Conv2d;
  private readonly shortcut: Conv2d | undefined;
  private readonly activate;

  constructor(options: AdaptiveResidualBlockOptions) {
    super();
    const { inChannels, outChannels, timeSize, groups, outGroups, epsilon } = options;
    this.activate = activation(options.activation);
    this.norm1 = this.child('norm1', new AdaptiveGroupNorm({ groups, channels: inChannels, timeSize, epsilon }));
    this.conv1 = this.child('conv1', new Conv2d({ inChannels, outChannels }));
    this.norm2 = this.child(
      'norm2',
      new AdaptiveGroupNorm({ groups: outGroups, channels: outChannels, timeSize, epsilon }),
    );
    this.dropout = this.child('dropout', new Dropout(options.dropout));
    this.conv2 = this.child('conv2', new Conv2d({ inChannels: outChannels, outChannels }));
    if (inChannels !== outChannels) {
      this.shortcut = this.child('conv_shortcut', new Conv2d({ inChannels, outChannels, kernelSize: 1, bias: false }));
    }
  }

  forward(x: tf.Tensor4D, time: tf.Tensor2D): tf.Tensor4D {
    return this.recomputed(() =>
      tf.tidy(() => {
        const inner = this.conv1.forward(this.activate(this.norm1.forward(x, time)));
        const outer = this.dropout.forward(this.activate(this.norm2.forward(inner, time)));
        return tf.add(this.conv2.forward(outer), this.shortcut === undefined ? x : this.shortcut.forward(x));
      }),
    );
  }
}
