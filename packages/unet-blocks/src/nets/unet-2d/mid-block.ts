import * as tf from '@tensorflow/tfjs-core';
import type { AttentionBlock } from '../../layers/attention-block.ts';
import { ResidualBlock } from '../../layers/residual-block.ts';
import { Module } from '../../module.ts';
import { attention, residual, skipGroups, type BlockSettings } from './settings.ts';

export interface MidBlockOptions {
  channels: number;
  outputScale: number;
  /** Groups of the attention's norm; null takes the blocks', or no norm with FiLM. */
  attentionGroups: number | null;
  withAttention: boolean;
}

/** `UNetMidBlock2D`: residual block, attention, residual block. */
export class MidBlock extends Module {
  private readonly resnet0: ResidualBlock;
  private readonly attention: AttentionBlock | undefined;
  private readonly resnet1: ResidualBlock;

  constructor(settings: BlockSettings, { channels, outputScale, attentionGroups, withAttention }: MidBlockOptions) {
    super();
    const groups = settings.groups ?? skipGroups(channels);
    const options = { ...residual({ ...settings, groups }, channels, channels), outputScale };
    this.resnet0 = this.child('resnets.0', new ResidualBlock(options));
    if (withAttention) {
      const normGroups = attentionGroups ?? (settings.time === 'add' ? groups : undefined);
      this.attention = this.child('attentions.0', attention(settings, channels, normGroups, outputScale));
    }
    this.resnet1 = this.child('resnets.1', new ResidualBlock(options));
  }

  forward(x: tf.Tensor4D, time: tf.Tensor2D): tf.Tensor4D {
    return tf.tidy(() => {
      const first = this.resnet0.forward(x, time);
      return this.resnet1.forward(this.attention?.forward(first) ?? first, time);
    });
  }
}
