import * as tf from '@tensorflow/tfjs-core';
import { Conv2d, InstanceNorm, Module, type ActivationName } from '@missing-u/unet-blocks';
import { activated } from './activated.ts';
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
  private readonly activation: ActivationName;
  private readonly outputActivation: ActivationName;

  constructor(inChannels: number, outChannels: number, inner: number, config: CUNetConfig, activatedOutput: boolean) {
    super();
    this.norm1 = this.child('norm1', new InstanceNorm({ channels: inChannels }));
    this.conv1 = this.child('conv1', new Conv2d({ inChannels, outChannels: inner }));
    this.norm2 = this.child('norm2', new InstanceNorm({ channels: inner }));
    this.conv2 = this.child('conv2', new Conv2d({ inChannels: inner, outChannels, kernelSize: 1 }));
    this.activation = config.activation;
    this.outputActivation = activatedOutput ? config.activation : 'identity';
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    const inner = this.norm2.forward(activated(this.conv1, this.norm1.forward(x), this.activation));
    return activated(this.conv2, inner, this.outputActivation);
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
    const isActivated = config.velocityOutput === 'activated';
    this.velocity = this.child('velocity', new VelocityNet(half, half, half, config, isActivated));
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
