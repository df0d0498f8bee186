import * as tf from '@tensorflow/tfjs-core';
import { silu } from '../functional/activations.ts';
import { Module } from '../module.ts';
import { Conv2d } from './conv2d.ts';
import { splitModulation } from './film.ts';
import { Linear } from './linear.ts';
import { GroupNorm, type Modulation } from './norms.ts';

export interface ModulatedResidualBlockOptions {
  inChannels: number;
  /** Default `inChannels`. */
  outChannels?: number;
  /** Size of the time embedding. */
  timeSize: number;
  /** A divisor of `outChannels`. */
  groups: number;
}

/** Convolution, group norm, FiLM, SiLU. */
class Block extends Module {
  private readonly proj: Conv2d;
  private readonly norm: GroupNorm;

  constructor(inChannels: number, outChannels: number, groups: number) {
    super();
    this.proj = this.child('proj', new Conv2d({ inChannels, outChannels }));
    this.norm = this.child('norm', new GroupNorm({ groups, channels: outChannels }));
  }

  forward(x: tf.Tensor4D, modulation?: Modulation): tf.Tensor4D {
    return tf.tidy(() => silu(this.norm.forward(this.proj.forward(x), modulation)));
  }
}

/**
 * The residual block of lucidrains' U-Net with the names of `ResnetBlock` in `denoising_diffusion_pytorch` 1.8.3: twice
 * convolution, group norm, SiLU, the first time with FiLM of the time before the SiLU, plus the shortcut.
 *
 * @throws UNetError `UNET_GROUPS` for groups that do not divide the channels
 */
export class ModulatedResidualBlock extends Module {
  private readonly mlp: Linear;
  private readonly block1: Block;
  private readonly block2: Block;
  private readonly shortcut: Conv2d | undefined;

  constructor({ inChannels, outChannels = inChannels, timeSize, groups }: ModulatedResidualBlockOptions) {
    super();
    this.mlp = this.child('mlp.1', new Linear({ inFeatures: timeSize, outFeatures: 2 * outChannels }));
    this.block1 = this.child('block1', new Block(inChannels, outChannels, groups));
    this.block2 = this.child('block2', new Block(outChannels, outChannels, groups));
    if (inChannels !== outChannels) {
      this.shortcut = this.child('res_conv', new Conv2d({ inChannels, outChannels, kernelSize: 1 }));
    }
  }

  /** x: [N, H, W, in]; time: [N, time size]. */
  forward(x: tf.Tensor4D, time: tf.Tensor2D): tf.Tensor4D {
    return this.recomputed(() =>
      tf.tidy(() => {
        const modulation = splitModulation(this.mlp.forward(silu(time)));
        const branch = this.block2.forward(this.block1.forward(x, modulation));
        return tf.add(branch, this.shortcut === undefined ? x : this.shortcut.forward(x));
      }),
    );
  }
}
