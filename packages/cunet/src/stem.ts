import * as tf from '@tensorflow/tfjs-core';
import { activation, Conv2d, InstanceNorm, Module } from '@missing-u/unet-blocks';
import type { CUNetConfig } from './options.ts';

/** From images to the state [x, v] at integration time 0: [N, H, W, image channels] to [N, H, W, C]. */
export interface Stem extends Module {
  forward(images: tf.Tensor4D): tf.Tensor4D;
}

/** g: instance norm, convolution, activation, instance norm, 1x1 convolution, activation or none. */
class VelocityNet extends Module {
  private readonly norm1: InstanceNorm;
  private readonly conv1: Conv2d;
  private readonly norm2: InstanceNorm;
  private readonly conv2: Conv2d;
  private readonly activate;
  private readonly activateOutput;

  constructor(inChannels: number, outChannels: number, inner: number, config: CUNetConfig, activated: boolean) {
    super();
    this.norm1 = this.child('norm1', new InstanceNorm({ channels: inChannels }));
    this.conv1 = this.child('conv1', new Conv2d({ inChannels, outChannels: inner }));
    this.norm2 = this.child('norm2', new InstanceNorm({ channels: inner }));
    this.conv2 = this.child('conv2', new Conv2d({ inChannels: inner, outChannels, kernelSize: 1 }));
    this.activate = activation(config.activation);
    this.activateOutput = activation(activated ? config.activation : 'identity');
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    const inner = this.norm2.forward(this.activate(this.conv1.forward(this.norm1.forward(x))));
    return this.activateOutput(this.conv2.forward(inner));
  }
}

/** x(0) is a convolution of the images that keeps their mean and scale; v(0) = g(x(0)). */
export class LiftStem extends Module implements Stem {
  private readonly lift: Conv2d;
  private readonly velocity: VelocityNet;

  constructor(config: CUNetConfig) {
    super();
    const half = config.channels / 2;
    this.lift = this.child('lift', new Conv2d({ inChannels: config.inChannels, outChannels: half }));
    const activated = config.velocityOutput === 'activated';
    this.velocity = this.child('velocity', new VelocityNet(half, half, half, config, activated));
  }

  forward(images: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => {
      const x = this.lift.forward(images);
      return tf.concat([x, this.velocity.forward(x)], 3);
    });
  }
}

/** The first author's stem: g of the images themselves gives the whole state. */
export class PublishedStem extends Module implements Stem {
  private readonly velocity: VelocityNet;

  constructor(config: CUNetConfig) {
    super();
    const { inChannels, channels } = config;
    this.velocity = this.child('velocity', new VelocityNet(inChannels, channels, channels / 2, config, true));
  }

  forward(images: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => this.velocity.forward(images));
  }
}
