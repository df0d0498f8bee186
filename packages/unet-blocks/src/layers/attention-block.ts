import * as tf from '@tensorflow/tfjs-core';
import { invalidArgument } from '@missing-u/errors';
import { checkInteger } from '../checks.ts';
import { UNetError } from '../errors.ts';
import { attend } from '../functional/attention.ts';
import { Module } from '../module.ts';
import { Linear } from './linear.ts';
import { GroupNorm } from './norms.ts';
import { joinHeads } from './spatial-attention.ts';

export interface AttentionBlockOptions {
  channels: number;
  /** Channels of a head. Of channels that it does not divide, the rest has no head, as in diffusers. */
  headSize: number;
  /** Of the norm in front; without, there is no norm. */
  groups?: number | undefined;
  epsilon?: number;
  /** The sum with the input is divided by it; default 1. */
  outputScale?: number;
}

/** Full attention between the pixels of an image with a residual sum, with the names of diffusers' `Attention`. */
export class AttentionBlock extends Module {
  private readonly heads: number;
  private readonly headSize: number;
  private readonly outputScale: number;
  private readonly norm: GroupNorm | undefined;
  private readonly projections: Linear[];
  private readonly toOut: Linear;

  constructor({ channels, headSize, groups, epsilon = 1e-5, outputScale = 1 }: AttentionBlockOptions) {
    super();
    checkInteger('headSize', headSize);
    if (headSize > channels) {
      const bad = { argument: 'headSize', value: headSize, allowed: `${channels} or less, the number of channels` };
      throw new UNetError('UNET_OPTION', invalidArgument(bad));
    }
    this.heads = Math.floor(channels / headSize);
    this.headSize = headSize;
    this.outputScale = outputScale;
    const inner = this.heads * headSize;
    if (groups !== undefined) this.norm = this.child('group_norm', new GroupNorm({ groups, channels, epsilon }));
    this.projections = ['to_q', 'to_k', 'to_v'].map((name) =>
      this.child(name, new Linear({ inFeatures: channels, outFeatures: inner })),
    );
    this.toOut = this.child('to_out.0', new Linear({ inFeatures: inner, outFeatures: channels }));
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    return this.recomputed(() =>
      tf.tidy(() => {
        const normed = this.norm === undefined ? x : this.norm.forward(x);
        const [q, k, v] = this.projections.map((projection) => this.split(projection.forward(normed)));
        const seen = joinHeads(attend(q!, k!, v!, this.headSize ** -0.5), x.shape, this.heads);
        const sum: tf.Tensor4D = tf.add(this.toOut.forward(seen), x);
        return this.outputScale === 1 ? sum : tf.div(sum, this.outputScale);
      }),
    );
  }

  /** [N, H, W, heads·size] to [N·heads, H·W, size]. */
  private split(x: tf.Tensor4D): tf.Tensor3D {
    const [images, height, width] = x.shape;
    const parts = tf.reshape(x, [images, height * width, this.heads, this.headSize]);
    const byHead = tf.transpose(parts, [0, 2, 1, 3]);
    return tf.reshape(byHead, [images * this.heads, height * width, this.headSize]);
  }
}
