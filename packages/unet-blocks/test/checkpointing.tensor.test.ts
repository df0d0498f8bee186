import * as tf from '@tensorflow/tfjs-core';
import { createGenerator } from '@missing-u/random';
import { describe, expect, it } from 'vitest';
import { UNet, UNet2DModel, type Module } from '@missing-u/unet-blocks';
import { random } from './random.ts';

type Network = Module & { predict(sample: tf.Tensor4D, timesteps: number[]): tf.Tensor4D };

const sizes = { blockOutChannels: [32, 32], layersPerBlock: 1, normNumGroups: 4 };
const networks: Record<string, () => Network> = {
  "lucidrains'": () => new UNet({ dim: 8, dimMults: [1, 2] }),
  "diffusers'": () =>
    new UNet2DModel({
      ...sizes,
      downBlockTypes: ['AttnDownBlock2D', 'ResnetDownsampleBlock2D'],
      upBlockTypes: ['UpBlock2D', 'AttnUpBlock2D'],
    }),
  "k-diffusion's": () =>
    new UNet2DModel({
      ...sizes,
      downBlockTypes: ['KDownBlock2D', 'KDownBlock2D'],
      upBlockTypes: ['KUpBlock2D', 'KUpBlock2D'],
    }),
};

/** The gradients of a loss by name, and the most bytes that were held while they were taken. */
function gradients(model: Network): { grads: Record<string, Float32Array>; peak: number } {
  const x = random<tf.Rank.R4>([1, 16, 16, 3]);
  const engine = tf.engine() as unknown as { runKernel(...args: unknown[]): unknown };
  const { runKernel } = engine;
  const before = tf.memory().numBytes;
  let peak = 0;
  engine.runKernel = function (...args) {
    const result = runKernel.apply(this, args);
    peak = Math.max(peak, tf.memory().numBytes - before);
    return result;
  };
  try {
    const variables = model.parameters().map(({ variable }) => variable);
    const found = tf.variableGrads(() => tf.mean<tf.Scalar>(tf.square(model.predict(x, [300]))), variables);
    const grads = Object.fromEntries(
      model.parameters().map(({ name, variable }) => [name, found.grads[variable.name]!.dataSync<'float32'>().slice()]),
    );
    tf.dispose([x, found.value, found.grads]);
    return { grads, peak };
  } finally {
    engine.runKernel = runKernel;
  }
}

describe.each(Object.entries(networks))('gradient checkpointing of %s U-Net', (_, make) => {
  it('gives the same gradients for less memory, and leaks nothing', async () => {
    const model = make();
    const plain = gradients(model);
    const spared = gradients(model.enableGradientCheckpointing());
    for (const [name, gradient] of Object.entries(plain.grads)) {
      const length = Math.hypot(...gradient);
      expect(spared.grads[name]!, name).toBeAllClose(gradient, { rtol: 1e-4, atol: 1e-4 * length + 1e-8 });
    }
    expect(spared.peak).toBeLessThan(0.8 * plain.peak);
    await expect(() => void gradients(model)).toLeakNoTensors();
    expect(gradients(model.enableGradientCheckpointing(false)).peak).toBe(plain.peak);
    model.dispose();
  });
});

it('blocks whose dropout is on run once, so that their gradient is that of the masks that were drawn', () => {
  const types = { downBlockTypes: ['DownBlock2D', 'DownBlock2D'], upBlockTypes: ['UpBlock2D', 'UpBlock2D'] };
  const model = new UNet2DModel({ ...sizes, ...types, dropout: 0.5, addAttention: false });
  const plain = gradients(model.train(createGenerator(1)));
  const spared = gradients(model.enableGradientCheckpointing().train(createGenerator(1)));
  expect(spared.grads).toEqual(plain.grads);
  model.dispose();
});
