import * as tf from '@tensorflow/tfjs-core';
import {
  Conv2d,
  doubleBilinear,
  halveByMean,
  Module,
  SpatialAttention,
  type ActivationName,
} from '@missing-u/unet-blocks';
import type { Gradient } from '@missing-u/ode-solvers';
import { activated } from './activated.ts';
import { DynamicBlock } from './dynamic-block.ts';
import type { AttentionPlace, CUNetConfig } from './options.ts';
import { AdditiveTime } from './time.ts';

/** A dynamic block, and attention where the place has it. */
export class Stage extends Module {
  private readonly block: DynamicBlock;
  private readonly attention: SpatialAttention | undefined;

  constructor(
    private readonly config: CUNetConfig,
    channels: number,
    place: AttentionPlace,
    gradient: Gradient,
  ) {
    super();
    this.block = this.child('block', new DynamicBlock(config, channels, gradient));
    if (config.attention.includes(place)) {
      const { attentionHeads: heads, attentionHeadSize: headSize } = config;
      this.attention = this.child('attention', new SpatialAttention({ channels, heads, headSize }));
    }
  }

  forward(state: tf.Tensor4D, embedding: tf.Tensor2D | undefined): tf.Tensor4D {
    return tf.tidy(() => {
      const moved = this.block.forward(state, embedding);
      const seen = this.attention?.forward(moved);
      if (seen === undefined) return moved;
      return this.config.attentionResidual ? tf.add(moved, seen) : seen;
    });
  }
}

/** What stands between two stages: a 1x1 convolution with activation, and time where it enters between the blocks. */
class Transition extends Module {
  private readonly conv: Conv2d;
  private readonly time: AdditiveTime | undefined;
  private readonly activation: ActivationName;

  constructor(config: CUNetConfig, inChannels: number, outChannels: number) {
    super();
    this.activation = config.activation;
    this.conv = this.child('conv', new Conv2d({ inChannels, outChannels, kernelSize: 1 }));
    if (config.timeConditioning === 'additive') {
      this.time = this.child('time', new AdditiveTime(config.timeSize, outChannels));
    }
  }

  forward(x: tf.Tensor4D, embedding: tf.Tensor2D | undefined, resize = (y: tf.Tensor4D) => y): tf.Tensor4D {
    const y = resize(activated(this.conv, x, this.activation));
    return this.time === undefined || embedding === undefined ? y : this.time.forward(y, embedding);
  }
}

/** A level on the way down: a stage, whose output is the skip; then twice the channels at half the size. */
export class DownLevel extends Module {
  private readonly stage: Stage;
  private readonly transition: Transition;

  constructor(config: CUNetConfig, channels: number, place: AttentionPlace, gradient: Gradient) {
    super();
    this.stage = this.child('stage', new Stage(config, channels, place, gradient));
    this.transition = this.child('transition', new Transition(config, channels, 2 * channels));
  }

  forward(state: tf.Tensor4D, embedding: tf.Tensor2D | undefined): { state: tf.Tensor4D; skip: tf.Tensor4D } {
    return tf.tidy(() => {
      const skip = this.stage.forward(state, embedding);
      // The convolution comes first, at the larger size: the other order is another function.
      return { skip, state: this.transition.forward(skip, embedding, halveByMean) };
    });
  }
}

/** A level on the way up: twice the size, joined with the skip, a third of the channels; then a stage. */
export class UpLevel extends Module {
  private readonly transition: Transition;
  private readonly stage: Stage;

  constructor(config: CUNetConfig, channels: number, place: AttentionPlace, gradient: Gradient) {
    super();
    this.transition = this.child('transition', new Transition(config, 3 * channels, channels));
    this.stage = this.child('stage', new Stage(config, channels, place, gradient));
  }

  forward(state: tf.Tensor4D, skip: tf.Tensor4D, embedding: tf.Tensor2D | undefined): tf.Tensor4D {
    return tf.tidy(() => {
      const joined = tf.concat([doubleBilinear(state), skip], 3);
      return this.stage.forward(this.transition.forward(joined, embedding), embedding);
    });
  }
}
