import { CUNet, presets, type CUNetOptions, type PresetName } from '@missing-u/cunet';
import { fromFunction, UNet, UNet2DModel, type UNet2DOptions, type UNetOptions } from '@missing-u/unet-blocks';
import * as tf from '@tensorflow/tfjs-core';
import { useEngine } from '@missing-u/engine';
import { beforeAll, describe, it } from 'vitest';
import { expectAgreement, normal } from './agree.ts';

// Tracing computes nothing, so one engine stands for all; export.tensor.test.ts has the others.
beforeAll(async () => {
  await useEngine('wasm', { threads: 1 });
});

describe('a file predicts what the network predicts', () => {
  it.each(Object.keys(presets) as PresetName[])('CUNet %s', async (preset) => {
    // The published presets normalise each channel by itself: with few pixels that magnifies rounding.
    const side = preset.startsWith('published') ? 64 : 16;
    const model = new CUNet({ preset, channels: 8, groups: 4, imageSize: Math.max(side, 32), trainTimesteps: 100 });
    await expectAgreement(model, {}, { height: side, channels: 3, batches: [1, 2] });
    model.dispose();
  });

  const variants: [string, CUNetOptions][] = [
    ['integration time', { integrationTime: true }],
    ['additive time', { timeConditioning: 'additive' }],
    ['two Euler steps', { solver: { method: 'euler', steps: 2 } }],
    ['midpoint, SiLU, grey', { solver: { method: 'midpoint' }, activation: 'silu', inChannels: 1 }],
    ['checkpointed gradient', { gradient: 'checkpointed' }],
  ];
  it.each(variants)('CUNet with %s', async (_, options) => {
    const model = new CUNet({ channels: 8, groups: 4, imageSize: 16, ...options });
    await expectAgreement(model, {}, { height: 16, channels: options.inChannels ?? 3, batches: [2] });
    model.dispose();
  });

  const unets: [string, UNetOptions][] = [
    ['lucidrains', { dim: 8, dimMults: [1, 2], fullAttention: [false, true] }],
    ['Ho', { preset: 'ho' }],
  ];
  it.each(unets)('UNet %s', async (_, options) => {
    const model = new UNet(options);
    await expectAgreement(model, {}, { height: 8, channels: 3 });
    model.dispose();
  });

  it('UNet with self-conditioning, learned variance, random sinusoids', async () => {
    const options = { dim: 8, dimMults: [1, 2, 2], inChannels: 1, groups: 4, fullAttention: [false, true, false] };
    const model = new UNet({ ...options, selfCondition: true, learnedVariance: true, sinusoids: 'random' });
    const conditions = { selfCondition: { shape: [8, 8, 1] } };
    const condition = (images: number) => ({ selfCondition: normal([images, 8, 8, 1], 2) });
    await expectAgreement(model, { conditions }, { height: 8, channels: 1, condition });
    model.dispose();
  });

  /** Those of tools/reference/unet-blocks/parity.py. */
  const small = { blockOutChannels: [8, 16], normNumGroups: 4, layersPerBlock: 1, attentionHeadDim: 4 };
  const diffusers: [string, Partial<UNet2DOptions>][] = [
    ['plain', { downBlockTypes: ['DownBlock2D', 'AttnDownBlock2D'], upBlockTypes: ['AttnUpBlock2D', 'UpBlock2D'] }],
    [
      'resnet resampling, FiLM',
      {
        downBlockTypes: ['ResnetDownsampleBlock2D', 'AttnDownBlock2D'],
        upBlockTypes: ['AttnUpBlock2D', 'ResnetUpsampleBlock2D'],
        resnetTimeScaleShift: 'scale_shift',
        attnNormNumGroups: 2,
        actFn: 'gelu',
      },
    ],
    [
      'attention with resnet resampling, one head',
      {
        attentionHeadDim: null,
        downBlockTypes: ['AttnDownBlock2D', 'DownBlock2D'],
        upBlockTypes: ['UpBlock2D', 'AttnUpBlock2D'],
        downsampleType: 'resnet',
        upsampleType: 'resnet',
        midBlockScaleFactor: 1.5,
      },
    ],
    [
      'Ho et al.',
      {
        downBlockTypes: ['DownBlock2D', 'AttnDownBlock2D'],
        upBlockTypes: ['AttnUpBlock2D', 'UpBlock2D'],
        downsamplePadding: 0,
        flipSinToCos: false,
        freqShift: 1,
        normEps: 1e-6,
        centerInputSample: true,
      },
    ],
    [
      'skip, Fourier',
      {
        blockOutChannels: [16, 32],
        downBlockTypes: ['SkipDownBlock2D', 'SkipDownBlock2D'],
        upBlockTypes: ['SkipUpBlock2D', 'SkipUpBlock2D'],
        timeEmbeddingType: 'fourier',
      },
    ],
    [
      'skip with attention',
      {
        blockOutChannels: [32, 32],
        downBlockTypes: ['SkipDownBlock2D', 'AttnSkipDownBlock2D'],
        upBlockTypes: ['AttnSkipUpBlock2D', 'SkipUpBlock2D'],
      },
    ],
    [
      'k-diffusion',
      {
        blockOutChannels: [32, 64],
        downBlockTypes: ['KDownBlock2D', 'KDownBlock2D'],
        upBlockTypes: ['KUpBlock2D', 'KUpBlock2D'],
      },
    ],
    [
      'learned time, no middle',
      {
        downBlockTypes: ['DownBlock2D', 'DownBlock2D'],
        upBlockTypes: ['UpBlock2D', 'UpBlock2D'],
        timeEmbeddingType: 'learned',
        numTrainTimesteps: 100,
        midBlockType: null,
        actFn: 'mish',
      },
    ],
  ];
  it.each(diffusers)('UNet2DModel: %s', async (_, options) => {
    const model = new UNet2DModel({ ...small, ...options });
    await expectAgreement(model, {}, { height: 8, channels: 3 });
    model.dispose();
  });

  it.each([
    ['numbers', { numClassEmbeds: 5 }],
    ['times', { classEmbedType: 'timestep' as const, addAttention: false }],
  ])('UNet2DModel with class %s', async (_, options) => {
    const blocks = { downBlockTypes: ['DownBlock2D', 'DownBlock2D'], upBlockTypes: ['UpBlock2D', 'UpBlock2D'] };
    const model = new UNet2DModel({ ...small, ...blocks, ...options });
    const condition = (images: number) => ({
      classLabels: tf.tensor1d(Array.from({ length: images }, (_, i) => 4 - i)),
    });
    await expectAgreement(model, { conditions: { classLabels: {} } }, { height: 8, channels: 3, condition });
    model.dispose();
  });

  it('a function with PReLU, which some engines lack', async () => {
    const model = fromFunction((x) => tf.prelu(x, tf.tensor4d([0.1, 0.2, 0.3], [1, 1, 1, 3])));
    await expectAgreement(model, {}, { height: 4, channels: 3 });
  });
});
