import * as tf from '@tensorflow/tfjs-core';
import { convolve, fanInUniform, Module, normal, recorded } from '@missing-u/unet-blocks';

/** What a normalisation does to each channel at inference. */
export interface Affine {
  readonly scale: tf.Tensor1D;
  readonly shift: tf.Tensor1D;
}

interface ConvolutionOptions {
  inChannels: number;
  outChannels: number;
  bias: boolean;
  /** Scales the first weights; default 1. */
  gain?: number;
}

/** A 3x3 convolution that keeps the size, into which a normalisation can be folded. Weights begin as He et al. (2015). */
export class FoldingConv2d extends Module {
  private readonly weight;
  private readonly bias;

  constructor({ inChannels, outChannels, bias, gain = 1 }: ConvolutionOptions) {
    super();
    this.weight = this.parameter<tf.Rank.R4>('weight', [3, 3, inChannels, outChannels], {
      initializer: normal(gain * Math.sqrt(2 / (9 * inChannels))),
      layout: 'conv2d',
    });
    this.bias = bias
      ? this.parameter<tf.Rank.R1>('bias', [outChannels], { initializer: fanInUniform(9 * inChannels) })
      : undefined;
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => {
      const filter = this.weight.variable;
      const output =
        this.bias === undefined ? tf.conv2d(x, filter, 1, 'same') : convolve(x, filter, this.bias.variable);
      return recorded(this, output, output.size * 9 * filter.shape[2]);
    });
  }

  /** Convolution, normalisation and, on request, the positive part as one kernel. */
  forwardFolded(x: tf.Tensor4D, norm: Affine | undefined, relu: boolean): tf.Tensor4D {
    return tf.tidy(() => {
      const [plain, shift] = [this.weight.variable, this.bias?.variable];
      const filter = norm === undefined ? plain : tf.mul<tf.Tensor4D>(plain, norm.scale);
      const bias =
        norm === undefined
          ? shift
          : shift === undefined
            ? norm.shift
            : tf.add<tf.Tensor1D>(tf.mul(shift, norm.scale), norm.shift);
      const output = tf.fused.conv2d({
        x,
        filter,
        strides: 1,
        pad: 'same',
        ...(bias !== undefined && { bias }),
        ...(relu && { activation: 'relu' as const }),
      });
      return recorded(this, output, output.size * 9 * plain.shape[2]);
    });
  }
}
