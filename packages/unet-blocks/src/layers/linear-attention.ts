import * as tf from '@tensorflow/tfjs-core';
import { Module } from '../module.ts';
import { Conv2d } from './conv2d.ts';
import { RMSNorm } from './norms.ts';
import { joinHeads, splitHeads, type SpatialAttentionOptions } from './spatial-attention.ts';

/**
 * lucidrains' linear attention (after Shen et al. 2021): queries softmaxed over the channels of a head, keys over the pixels,
 * q (kᵀ v)/√size. Its cost grows with the number of pixels and not with its square. The residual sum is the caller's.
 */
export class LinearAttention extends Module {
  private readonly heads: number;
  private readonly headSize: number;
  private readonly norm: RMSNorm;
  private readonly toQkv: Conv2d;
  private readonly toOut: Conv2d;
  private readonly outNorm: RMSNorm;

  constructor({ channels, heads = 4, headSize = 32 }: SpatialAttentionOptions) {
    super();
    const inner = heads * headSize;
    this.heads = heads;
    this.headSize = headSize;
    this.norm = this.child('norm', new RMSNorm({ channels }));
    this.toQkv = this.child(
      'to_qkv',
      new Conv2d({ inChannels: channels, outChannels: 3 * inner, kernelSize: 1, bias: false }),
    );
    this.toOut = this.child('to_out.0', new Conv2d({ inChannels: inner, outChannels: channels, kernelSize: 1 }));
    this.outNorm = this.child('to_out.1', new RMSNorm({ channels }));
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    return this.recomputed(() =>
      tf.tidy(() => {
        const [q, k, v] = splitHeads(this.toQkv.forward(this.norm.forward(x)), this.heads, this.headSize); // [N·heads, n, size]
        const keys = tf.softmax(tf.transpose(k!, [0, 2, 1])); // [N·heads, size, n], over the pixels
        const context = tf.matMul(keys, v!);
        const out = tf.matMul<tf.Tensor3D>(tf.mul(tf.softmax(q!), this.headSize ** -0.5), context);
        return this.outNorm.forward(this.toOut.forward(joinHeads(out, x.shape, this.heads)));
      }),
    );
  }
}
