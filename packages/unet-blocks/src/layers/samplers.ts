import * as tf from '@tensorflow/tfjs-core';
import { doubleNearest, pixelUnshuffle } from '../functional/resample.ts';
import { fanInUniform } from '../initializers.ts';
import { Module } from '../module.ts';
import { recorded } from '../recorder.ts';
import { Conv2d } from './conv2d.ts';

/** Halves by a 3x3 convolution of stride 2; padding 0 means one zero row and column at the end, as in Ho et al. */
export class DownsampleConv extends Module {
  private readonly conv: Conv2d;

  constructor({ channels, padding = 1 }: { channels: number; padding?: number }) {
    super();
    const both = padding === 0 ? ([0, 1] as const) : padding;
    this.conv = this.child(
      'conv',
      new Conv2d({ inChannels: channels, outChannels: channels, stride: 2, padding: both }),
    );
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    return this.conv.forward(x);
  }
}

/** Doubles by repetition: PyTorch's `nn.Upsample(mode='nearest')`. */
export class NearestUpsample extends Module {
  forward(x: tf.Tensor4D): tf.Tensor4D {
    const doubled = doubleNearest(x);
    return recorded(this, doubled, doubled.size);
  }
}

/** Doubles by repetition, then a 3x3 convolution. */
export class UpsampleConv extends Module {
  private readonly double: NearestUpsample;
  private readonly conv: Conv2d;

  constructor({ inChannels, outChannels = inChannels, names = ['', 'conv'] }: UpsampleConvOptions) {
    super();
    this.double = this.child(names[0], new NearestUpsample());
    this.conv = this.child(names[1], new Conv2d({ inChannels, outChannels }));
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => this.conv.forward(this.double.forward(x)));
  }
}

export interface UpsampleConvOptions {
  inChannels: number;
  outChannels?: number;
  /** Of the two parts, in paths. */
  names?: readonly [string, string];
}

/** Halves by moving squares of 2 x 2 pixels into channels, then a 1x1 convolution. */
export class UnshuffleDownsample extends Module {
  private readonly conv: Conv2d;

  constructor({ inChannels, outChannels }: { inChannels: number; outChannels: number }) {
    super();
    this.conv = this.child('1', new Conv2d({ inChannels: 4 * inChannels, outChannels, kernelSize: 1 }));
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => this.conv.forward(pixelUnshuffle(x)));
  }
}

/** Doubles by a transposed 4x4 convolution of stride 2: PyTorch's `nn.ConvTranspose2d(c, c', 4, stride=2, padding=1)`. */
export class UpsampleTransposed extends Module {
  private readonly weight;
  private readonly bias;

  constructor({ inChannels, outChannels = inChannels }: { inChannels: number; outChannels?: number }) {
    super();
    const initializer = fanInUniform(outChannels * 16); // PyTorch counts the outputs here
    this.weight = this.parameter<tf.Rank.R4>('weight', [4, 4, outChannels, inChannels], {
      initializer,
      layout: 'convTranspose2d',
    });
    this.bias = this.parameter<tf.Rank.R1>('bias', [outChannels], { initializer });
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => {
      const [images, height, width, inChannels] = x.shape;
      const outChannels = this.bias.shape[0];
      const shape: [number, number, number, number] = [images, 2 * height, 2 * width, outChannels];
      const y = tf.conv2dTranspose(x, this.weight.variable, shape, 2, 'same');
      return recorded(this, tf.add(y, this.bias.variable), y.size * inChannels * 16);
    });
  }
}
