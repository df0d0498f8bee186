import * as tf from '@tensorflow/tfjs-core';
import { attend } from '../functional/attention.ts';
import { Module } from '../module.ts';
import { Conv2d } from './conv2d.ts';
import { RMSNorm } from './norms.ts';

export interface SpatialAttentionOptions {
  channels: number;
  /** Default 4. */
  heads?: number;
  /** Channels of a head; default 32. */
  headSize?: number;
}

/**
 * lucidrains' full attention between the pixels of an image: RMSNorm, 1x1 convolution without bias to queries, keys and
 * values, softmax(q kᵀ/√size) v per head, 1x1 convolution. The residual sum is the caller's.
 */
export class SpatialAttention extends Module {
  private readonly heads: number;
  private readonly headSize: number;
  private readonly norm: RMSNorm;
  private readonly toQkv: Conv2d;
  private readonly toOut: Conv2d;

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
    this.toOut = this.child('to_out', new Conv2d({ inChannels: inner, outChannels: channels, kernelSize: 1 }));
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    return this.recomputed(() =>
      tf.tidy(() => {
        const [q, k, v] = splitHeads(this.toQkv.forward(this.norm.forward(x)), this.heads, this.headSize);
        return this.toOut.forward(joinHeads(attend(q!, k!, v!, this.headSize ** -0.5), x.shape, this.heads));
      }),
    );
  }
}

/** Queries, keys and values side by side in the channels, [N, H, W, 3·heads·size], to three of [N·heads, H·W, size]. */
export function splitHeads(qkv: tf.Tensor4D, heads: number, size: number): tf.Tensor3D[] {
  const [images, height, width] = qkv.shape;
  const parts = tf.reshape(qkv, [images, height * width, 3 * heads, size]);
  const byHead = tf.transpose(parts, [0, 2, 1, 3]); // [N, 3·heads, H·W, size]
  return tf.split(byHead, 3, 1).map((part) => tf.reshape<tf.Rank.R3>(part, [images * heads, height * width, size]));
}

/** [N·heads, H·W, size] to [N, H, W, heads·size] for images of a shape. */
export function joinHeads(x: tf.Tensor3D, shape: readonly number[], heads: number): tf.Tensor4D {
  const [images, height, width] = shape as [number, number, number];
  const size = x.shape[2];
  const byPixel = tf.transpose(tf.reshape(x, [images, heads, height * width, size]), [0, 2, 1, 3]);
  return tf.reshape<tf.Rank.R4>(byPixel, [images, height, width, heads * size]);
}
