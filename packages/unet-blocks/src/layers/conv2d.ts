import * as tf from '@tensorflow/tfjs-core';
import { convolve, type FusedActivation } from '../functional/convolve.ts';
import type { Unbiased } from '../functional/velocity-acceleration.ts';
import { fanInUniform, type Initializer } from '../initializers.ts';
import { Module } from '../module.ts';
import { recorded } from '../recorder.ts';

export interface Conv2dOptions {
  inChannels: number;
  outChannels: number;
  /** Side of the filter; default 3. */
  kernelSize?: number;
  /** Default 1. */
  stride?: number;
  /** Zero pixels on each side, or [before, after] along both axes; default keeps the size at stride 1. */
  padding?: number | readonly [number, number];
  /** Default true. */
  bias?: boolean;
  /** Of the weight; default PyTorch's. */
  initializer?: Initializer;
  biasInitializer?: Initializer;
}

/** Convolution as PyTorch's `nn.Conv2d`, on NHWC; the weight is [h, w, in, out] here and [out, in, h, w] in files. */
export class Conv2d extends Module {
  readonly inChannels: number;
  readonly outChannels: number;
  private readonly weight;
  private readonly bias;
  private readonly stride: number;
  private readonly padding: readonly [number, number];

  constructor({ inChannels, outChannels, kernelSize = 3, stride = 1, bias = true, ...options }: Conv2dOptions) {
    super();
    const { padding = (kernelSize - 1) / 2 } = options;
    const fanIn = inChannels * kernelSize ** 2;
    this.inChannels = inChannels;
    this.outChannels = outChannels;
    this.stride = stride;
    this.padding = typeof padding === 'number' ? [padding, padding] : padding;
    this.weight = this.parameter<tf.Rank.R4>('weight', [kernelSize, kernelSize, inChannels, outChannels], {
      initializer: options.initializer ?? fanInUniform(fanIn),
      layout: 'conv2d',
    });
    this.bias = bias
      ? this.parameter<tf.Rank.R1>('bias', [outChannels], {
          initializer: options.biasInitializer ?? fanInUniform(fanIn),
        })
      : undefined;
  }

  /** `activation` is applied in the same pass. */
  forward(x: tf.Tensor4D, activation: FusedActivation = 'linear'): tf.Tensor4D {
    return this.apply(x, (padded, pad) => this.convolve(padded, pad, activation));
  }

  /** The convolution alone, and its bias, for who adds that in a pass of their own; undefined without a bias. */
  forwardApart(x: tf.Tensor4D): Unbiased | undefined {
    if (this.bias === undefined) return undefined;
    const output = this.apply(x, (padded, pad) => tf.conv2d(padded, this.weight.variable, this.stride, pad));
    return { output, bias: this.bias.variable };
  }

  private apply(x: tf.Tensor4D, convolve: (padded: tf.Tensor4D, pad: 'same' | 'valid') => tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => {
      const [before, after] = this.padding;
      const [kernelSize, , inChannels] = this.weight.shape;
      // `same` is the same padding at stride 1, and all engines have it; their explicit padding is not to be relied on.
      const same = this.stride === 1 && before === after && before === (kernelSize - 1) / 2;
      const padded = same || before + after === 0 ? x : tf.pad(x, [[0, 0], [before, after], [before, after], [0, 0]]); // prettier-ignore
      const pad = same ? 'same' : 'valid';
      const output = convolve(padded, pad);
      return recorded(this, output, output.size * inChannels * kernelSize ** 2);
    });
  }

  private convolve(x: tf.Tensor4D, pad: 'same' | 'valid', activation: FusedActivation): tf.Tensor4D {
    const filter = this.weight.variable;
    if (this.bias !== undefined) return convolve(x, filter, this.bias.variable, this.stride, pad, activation);
    const output = tf.conv2d(x, filter, this.stride, pad);
    return activation === 'relu' ? tf.relu(output) : output;
  }
}
