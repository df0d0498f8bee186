import * as tf from '@tensorflow/tfjs-core';
import { checkGroups } from '../checks.ts';
import { groupNormalize } from '../functional/group-normalize.ts';
import { ones, zeros } from '../initializers.ts';
import { Module } from '../module.ts';
import { recorded } from '../recorder.ts';

/** A factor and a summand per image and channel, each [N, 1, 1, C]: what FiLM (`scale_shift`) does to a normed image. */
export type Modulation = {
  /** Multiplied as 1 + scale. */
  scale: tf.Tensor4D;
  shift: tf.Tensor4D;
};

/** Scale and shift of a normalisation, [1 or N, 1, 1, C]. */
export type Affine = {
  scale: tf.Tensor4D;
  shift: tf.Tensor4D;
};

/** A scale and shift with FiLM on top: y·(1 + scale) + shift. */
export function modulated({ scale, shift }: Affine, modulation: Modulation | undefined): Affine {
  if (modulation === undefined) return { scale, shift };
  return tf.tidy((): Affine => {
    const factor = tf.add(modulation.scale, 1);
    return { scale: tf.mul(scale, factor), shift: tf.add(tf.mul(shift, factor), modulation.shift) };
  });
}

export interface GroupNormOptions {
  groups: number;
  channels: number;
  /** Default 1e-5. */
  epsilon?: number;
}

/** PyTorch's `nn.GroupNorm` on NHWC, with FiLM folded into its scale and shift where there is one. */
export class GroupNorm extends Module {
  private readonly groups: number;
  private readonly epsilon: number;
  private readonly weight;
  private readonly bias;

  constructor({ groups, channels, epsilon = 1e-5 }: GroupNormOptions) {
    super();
    checkGroups(groups, channels);
    this.groups = groups;
    this.epsilon = epsilon;
    this.weight = this.parameter<tf.Rank.R1>('weight', [channels], { initializer: ones });
    this.bias = this.parameter<tf.Rank.R1>('bias', [channels], { initializer: zeros });
  }

  forward(x: tf.Tensor4D, modulation?: Modulation): tf.Tensor4D {
    return tf.tidy(() => this.apply(x, modulated(this.affine(), modulation)));
  }

  /** The norm's own scale and shift, computed once where the norm runs more than once. */
  affine(): Affine {
    return tf.tidy(() => ({
      scale: tf.reshape<tf.Rank.R4>(this.weight.variable, [1, 1, 1, -1]),
      shift: tf.reshape<tf.Rank.R4>(this.bias.variable, [1, 1, 1, -1]),
    }));
  }

  /** Normalises with a scale and shift from `affine`. */
  apply(x: tf.Tensor4D, { scale, shift }: Affine): tf.Tensor4D {
    return recorded(this, groupNormalize(x, scale, shift, this.groups, this.epsilon), 0);
  }
}

/** PyTorch's `nn.InstanceNorm2d` as it comes: each channel of each image by itself, ε = 1e-5, no weights. */
export class InstanceNorm extends Module {
  constructor(private readonly options: { channels: number }) {
    super();
  }

  forward(x: tf.Tensor4D, modulation?: Modulation): tf.Tensor4D {
    return tf.tidy(() => this.apply(x, modulated(this.affine(), modulation)));
  }

  /** Ones and zeros. */
  affine(): Affine {
    const { channels } = this.options;
    return { scale: tf.ones([1, 1, 1, channels]), shift: tf.zeros([1, 1, 1, channels]) };
  }

  /** Normalises with a scale and shift from `affine`. */
  apply(x: tf.Tensor4D, { scale, shift }: Affine): tf.Tensor4D {
    return recorded(this, groupNormalize(x, scale, shift, this.options.channels, 1e-5), 2 * x.size);
  }
}

/** lucidrains' `RMSNorm`: each pixel's channels divided by their length, times √C and a learned scale. */
export class RMSNorm extends Module {
  private readonly g;

  constructor({ channels }: { channels: number }) {
    super();
    this.g = this.parameter<tf.Rank.R4>('g', [1, channels, 1, 1], { initializer: ones });
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => {
      const channels = x.shape[3];
      // The floor is that of PyTorch's `F.normalize`.
      const lengths = tf.maximum(tf.sqrt(tf.sum(tf.mul(x, x), 3, true)), 1e-12);
      const scale = tf.mul(tf.reshape(this.g.variable, [1, 1, 1, channels]), Math.sqrt(channels));
      return recorded(this, tf.mul<tf.Tensor4D>(tf.div(x, lengths), scale), 0);
    });
  }
}
