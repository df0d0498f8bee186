import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { createGenerator } from '@missing-u/random';
import { groupNormalize, ModulatedResidualBlock } from '@missing-u/unet-blocks';
import { random } from './random.ts';

const make = (outChannels?: number) => {
  const options = { inChannels: 4, timeSize: 6, groups: 2, ...(outChannels === undefined ? {} : { outChannels }) };
  return new ModulatedResidualBlock(options).initialize(createGenerator(1));
};

/** The block by its definition in `denoising_diffusion_pytorch`, of usual operations. */
function definition(block: ModulatedResidualBlock, x: tf.Tensor4D, time: tf.Tensor2D): tf.Tensor {
  const weights = Object.fromEntries(block.parameters().map(({ name, variable }) => [name, variable as tf.Tensor]));
  const silu = (y: tf.Tensor) => tf.mul(y, tf.sigmoid(y));
  const convolved = (y: tf.Tensor, name: string) =>
    tf.add(tf.conv2d(y as tf.Tensor4D, weights[`${name}.weight`] as tf.Tensor4D, 1, 'same'), weights[`${name}.bias`]!);
  const normed = (y: tf.Tensor, name: string) => {
    const [scale, shift] = ['weight', 'bias'].map((key) => tf.reshape(weights[`${name}.${key}`]!, [1, 1, 1, -1]));
    return groupNormalize(y as tf.Tensor4D, scale as tf.Tensor4D, shift as tf.Tensor4D, 2, 1e-5);
  };
  const embedded = tf.add(tf.matMul(silu(time) as tf.Tensor2D, weights['mlp.1.weight'] as tf.Tensor2D), weights['mlp.1.bias']!); // prettier-ignore
  const [scale, shift] = tf.split(tf.reshape(embedded, [x.shape[0], 1, 1, -1]), 2, 3);
  const first = silu(tf.add(tf.mul(normed(convolved(x, 'block1.proj'), 'block1.norm'), tf.add(scale!, 1)), shift!));
  const second = silu(normed(convolved(first, 'block2.proj'), 'block2.norm'));
  return tf.add(second, 'res_conv.weight' in weights ? convolved(x, 'res_conv') : x);
}

describe("lucidrains' residual block", () => {
  it.each([undefined, 6])('is that of its definition, and leaks nothing, %s channels out', async (outChannels) => {
    const block = make(outChannels);
    const [x, time] = [random<tf.Rank.R4>([2, 3, 5, 4]), random<tf.Rank.R2>([2, 6], 2)];
    expect(block.forward(x, time)).toBeAllClose(definition(block, x, time), { atol: 1e-5 });
    await expect(() => block.forward(x, time).dispose()).toLeakNoTensors();
  });

  it('refuses groups that do not divide the channels', () => {
    const wrong = () => new ModulatedResidualBlock({ inChannels: 4, outChannels: 6, timeSize: 6, groups: 4 });
    expect(wrong).toThrow(expect.objectContaining({ code: 'UNET_GROUPS' }));
  });
});
