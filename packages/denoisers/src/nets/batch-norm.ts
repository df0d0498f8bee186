import * as tf from '@tensorflow/tfjs-core';
import { Module, ones, zeros } from '@missing-u/unet-blocks';

/** PyTorch's share of the new batch in the running statistics. */
const MOMENTUM = 0.1;

/** Batch normalisation over the channels of NHWC images, as PyTorch's `nn.BatchNorm2d`: names, defaults, running statistics. */
export class BatchNorm extends Module {
  readonly channels: number;
  private readonly eps: number;
  private readonly weight;
  private readonly bias;
  private readonly mean;
  private readonly variance;

  constructor({ channels, eps }: { channels: number; eps: number }) {
    super();
    this.channels = channels;
    this.eps = eps;
    this.weight = this.parameter<tf.Rank.R1>('weight', [channels], { initializer: ones });
    this.bias = this.parameter<tf.Rank.R1>('bias', [channels], { initializer: zeros });
    this.mean = this.parameter<tf.Rank.R1>('running_mean', [channels], { initializer: zeros, trainable: false });
    this.variance = this.parameter<tf.Rank.R1>('running_var', [channels], { initializer: ones, trainable: false });
  }

  /** The factor and the shift by channel that inference applies, for folding into the convolution before. */
  folded(): { scale: tf.Tensor1D; shift: tf.Tensor1D } {
    return tf.tidy(() => {
      const scale = tf.div<tf.Tensor1D>(this.weight.variable, tf.sqrt(tf.add(this.variance.variable, this.eps)));
      return {
        scale,
        shift: tf.sub<tf.Tensor1D>(this.bias.variable, tf.mul(this.mean.variable, scale)),
      };
    });
  }

  /** Normalises by the batch's own statistics, and lets the running ones follow it. */
  forward(x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => {
      const { mean, variance } = tf.moments(x, [0, 1, 2]);
      const count = x.size / this.channels;
      follow(this.mean.variable, mean);
      follow(this.variance.variable, tf.mul(variance, count / Math.max(count - 1, 1)));
      const scale = tf.div(this.weight.variable, tf.sqrt(tf.add(variance, this.eps)));
      return tf.add<tf.Tensor4D>(tf.mul(tf.sub(x, mean), scale), this.bias.variable);
    });
  }
}

function follow(running: tf.Variable, batch: tf.Tensor): void {
  running.assign(tf.add(tf.mul(running, 1 - MOMENTUM), tf.mul(batch, MOMENTUM)));
}
