import * as tf from '@tensorflow/tfjs-core';
import { activation, type ActivationName } from '../functional/activations.ts';
import { doubleNearest, doubleSmooth, halveByMean, halveSmooth } from '../functional/resample.ts';
import { Module } from '../module.ts';
import { Conv2d } from './conv2d.ts';
import { Dropout } from './dropout.ts';
import { splitModulation } from './film.ts';
import { Linear } from './linear.ts';
import { GroupNorm } from './norms.ts';

export interface ResidualBlockOptions {
  inChannels: number;
  /** Default `inChannels`. */
  outChannels?: number;
  /** Size of the time embedding. */
  timeSize: number;
  groups: number;
  /** Of the second norm; default `groups`. */
  outGroups?: number;
  epsilon?: number;
  /** Default silu. */
  activation?: ActivationName;
  /** How time enters: added before the second norm (Ho et al.), or as FiLM after it (Dhariwal & Nichol). Default `add`. */
  time?: 'add' | 'film';
  dropout?: number;
  /** The sum of branch and shortcut is divided by it; default 1. */
  outputScale?: number;
  /** A 1x1 convolution on the shortcut; default where the channels change. */
  shortcut?: boolean;
  resample?: 'up' | 'down' | 'fir-up' | 'fir-down';
}

const resamplers = {
  up: doubleNearest,
  down: halveByMean,
  'fir-up': (x: tf.Tensor4D) => doubleSmooth(x, 'zero'),
  'fir-down': (x: tf.Tensor4D) => halveSmooth(x, 'zero'),
} as const;

/**
 * The residual block of Ho et al. 2020 and Dhariwal & Nichol 2021 with the names of diffusers' `ResnetBlock2D`: norm,
 * activation, (resampling,) convolution, time, norm, activation, dropout, convolution, plus the shortcut.
 */
export class ResidualBlock extends Module {
  private readonly norm1: GroupNorm;
  private readonly conv1: Conv2d;
  private readonly timeProjection: Linear;
  private readonly norm2: GroupNorm;
  private readonly dropout: Dropout;
  private readonly conv2: Conv2d;
  private readonly shortcut: Conv2d | undefined;
  private readonly activate;

  constructor(private readonly options: ResidualBlockOptions) {
    super();
    const { inChannels, outChannels = inChannels, timeSize, groups, outGroups = groups, epsilon = 1e-5 } = options;
    this.activate = activation(options.activation ?? 'silu');
    this.norm1 = this.child('norm1', new GroupNorm({ groups, channels: inChannels, epsilon }));
    this.conv1 = this.child('conv1', new Conv2d({ inChannels, outChannels }));
    const outFeatures = options.time === 'film' ? 2 * outChannels : outChannels;
    this.timeProjection = this.child('time_emb_proj', new Linear({ inFeatures: timeSize, outFeatures }));
    this.norm2 = this.child('norm2', new GroupNorm({ groups: outGroups, channels: outChannels, epsilon }));
    this.dropout = this.child('dropout', new Dropout(options.dropout ?? 0));
    this.conv2 = this.child('conv2', new Conv2d({ inChannels: outChannels, outChannels }));
    if (options.shortcut ?? inChannels !== outChannels) {
      this.shortcut = this.child('conv_shortcut', new Conv2d({ inChannels, outChannels, kernelSize: 1 }));
    }
  }

  /** x: [N, H, W, in]; time: [N, time size]. */
  forward(x: tf.Tensor4D, time: tf.Tensor2D): tf.Tensor4D {
    const { resample, outputScale = 1 } = this.options;
    return this.recomputed(() =>
      tf.tidy(() => {
        const resize = resample === undefined ? (y: tf.Tensor4D) => y : resamplers[resample];
        const inner = this.conv1.forward(resize(this.activate(this.norm1.forward(x))));
        const normed = this.normWithTime(inner, this.timeProjection.forward(this.activate(time)));
        const branch = this.conv2.forward(this.dropout.forward(this.activate(normed)));
        const resized = resize(x);
        const sum: tf.Tensor4D = tf.add(branch, this.shortcut === undefined ? resized : this.shortcut.forward(resized));
        return outputScale === 1 ? sum : tf.div(sum, outputScale);
      }),
    );
  }

  private normWithTime(x: tf.Tensor4D, time: tf.Tensor2D): tf.Tensor4D {
    if (this.options.time === 'film') return this.norm2.forward(x, splitModulation(time));
    return this.norm2.forward(tf.add(x, tf.reshape(time, [time.shape[0], 1, 1, time.shape[1]])));
  }
}
