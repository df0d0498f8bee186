import * as tf from '@tensorflow/tfjs-core';
import { torchGenerator } from '@missing-u/random';
import { describe, expect, it } from 'vitest';
import { UNet, UNet2DModel, type Module, type UNetOptions } from '@missing-u/unet-blocks';
import fixtures from './fixtures/parity.json' with { type: 'json' };

/**
 * The numbers of PyTorch 2 with diffusers 0.42.1 and denoising-diffusion-pytorch 1.8.3, by
 * tools/reference/unet-blocks/parity.py, which says how weights, pictures and the loss come about.
 */
interface Expected {
  parameters: number;
  prediction: number[];
  gradients: Record<string, number[]>;
}

const times = [3, 70];

function perturb(model: Module): void {
  const dict = model.stateDict();
  Object.keys(dict)
    .sort()
    .forEach((name, j) => {
      const { data } = dict[name]!;
      for (let i = 0; i < data.length; i++) {
        data[i] = Math.fround((data[i] as number) + Math.fround(0.05 * Math.sin(1 + j + 0.37 * i)));
      }
    });
  model.loadStateDict(dict);
}

function pictures(channels: number): tf.Tensor4D {
  const values = torchGenerator(1).fillNormal(new Float32Array(2 * channels * 64));
  return tf.tidy(() => tf.transpose(tf.tensor4d(values, [2, channels, 8, 8]), [0, 2, 3, 1]));
}

function check(model: Module, run: () => tf.Tensor4D, expected: Expected): void {
  expect(model.parameterCount).toBe(expected.parameters);
  perturb(model);
  tf.tidy(() => {
    const planar = () => tf.transpose(run(), [0, 3, 1, 2]);
    const prediction = planar();
    const scale = Math.max(...expected.prediction.map(Math.abs));
    expect(prediction).toBeAllClose(expected.prediction, { rtol: 0, atol: 2e-5 * scale });

    const named = model.parameters().filter(({ variable }) => variable.trainable);
    const weight = tf.tensor(
      Float32Array.from({ length: prediction.size }, (_, i) => Math.cos(i)),
      prediction.shape,
    );
    const variables = named.map(({ variable }) => variable);
    const { grads } = tf.variableGrads(() => tf.mean<tf.Scalar>(tf.mul(planar(), weight)), variables);
    expect(named.map(({ name }) => name).sort()).toEqual(Object.keys(expected.gradients).sort());
    // Through the weights, to read the gradients in PyTorch's order.
    for (const { variable } of named) variable.assign(grads[variable.name]!);
    const dict = model.stateDict();
    for (const { name } of named) {
      const [norm, ...samples] = expected.gradients[name]!;
      const { data } = dict[name]!;
      const values = Array.from(data as Float32Array);
      const atol = 1e-3 * norm! + 1e-7;
      expect(Math.sqrt(values.reduce((sum, value) => sum + value * value, 0)), name).toBeAllClose(norm!, {
        rtol: 1e-3,
        atol: 1e-7,
      });
      const at = [0, Math.floor(values.length / 2), values.length - 1];
      expect(at.map((i) => values[i]!)).toBeAllClose(samples, { rtol: 1e-3, atol });
    }
  });
  model.dispose();
}

describe('UNet2DModel has the numbers of diffusers', () => {
  it.each(Object.entries(fixtures.diffusers))('%s', (_, { config, labels, ...expected }) => {
    const model = new UNet2DModel(config, { generator: torchGenerator(0) });
    const sample = pictures(3);
    const condition = labels === null ? {} : { classLabels: labels };
    check(model, () => model.predict(sample, times, condition), expected);
  });
});

describe('UNet has the numbers of denoising-diffusion-pytorch', () => {
  it.each(Object.entries(fixtures.lucidrains))('%s', (_, { options, ...expected }) => {
    const given = options as unknown as Record<string, never>;
    const translated: UNetOptions = {
      dim: given['dim']!,
      dimMults: given['dim_mults']!,
      inChannels: given['channels'] ?? 3,
      selfCondition: given['self_condition'] ?? false,
      learnedVariance: given['learned_variance'] ?? false,
      sinusoids: given['random_fourier_features'] === true ? 'random' : 'fixed',
      groups: given['resnet_block_groups'] ?? 8,
      ...('full_attn' in given ? { fullAttention: given['full_attn'] } : {}),
    };
    const model = new UNet({ ...translated, generator: torchGenerator(0) });
    const sample = pictures(translated.inChannels!);
    const condition = translated.selfCondition === true ? { selfCondition: tf.mul<tf.Tensor4D>(sample, 0.5) } : {};
    check(model, () => model.predict(sample, times, condition), expected);
  });
});
