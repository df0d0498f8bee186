import * as tf from '@tensorflow/tfjs-core';
import { fanInUniform, type Initializer } from '../initializers.ts';
import { Module } from '../module.ts';
import { recorded } from '../recorder.ts';

export interface LinearOptions {
  inFeatures: number;
  outFeatures: number;
  /** Default true. */
  bias?: boolean;
  /** Of weight and bias; default PyTorch's. */
  initializer?: Initializer;
  biasInitializer?: Initializer;
}

/** y = x W + b on the last axis, as PyTorch's `nn.Linear`; the weight is [in, out] here and [out, in] in files. */
export class Linear extends Module {
  private readonly weight;
  private readonly bias;

  constructor({ inFeatures, outFeatures, bias = true, ...options }: LinearOptions) {
    super();
    const initializer = options.initializer ?? fanInUniform(inFeatures);
    this.weight = this.parameter<tf.Rank.R2>('weight', [inFeatures, outFeatures], { initializer, layout: 'linear' });
    this.bias = bias
      ? this.parameter<tf.Rank.R1>('bias', [outFeatures], {
          initializer: options.biasInitializer ?? fanInUniform(inFeatures),
        })
      : undefined;
  }

  /** [..., in] to [..., out]. */
  forward<T extends tf.Tensor>(x: T): T {
    return tf.tidy(() => {
      const [inFeatures, outFeatures] = this.weight.shape;
      const rows = x.rank === 2 ? (x as tf.Tensor as tf.Tensor2D) : tf.reshape<tf.Rank.R2>(x, [-1, inFeatures]);
      const y =
        this.bias === undefined
          ? tf.matMul(rows, this.weight.variable)
          : tf.fused.matMul({ a: rows, b: this.weight.variable, bias: this.bias.variable });
      const output = x.rank === 2 ? y : tf.reshape(y, [...x.shape.slice(0, -1), outFeatures]);
      return recorded(this, output, output.size * inFeatures) as T;
    });
  }
}
