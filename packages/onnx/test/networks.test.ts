import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CUNet, presets, type CUNetOptions, type PresetName } from '@missing-u/cunet';
import { fromFunction, UNet, UNet2DModel, type UNet2DOptions, type UNetOptions } from '@missing-u/unet-blocks';
import * as tf from '@tensorflow/tfjs-core';
import { useEngine } from '@missing-u/engine';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Denoiser } from '@missing-u/unet-blocks';
import type { ExportOptions } from '@missing-u/onnx';
import { expectAgreement, normal, type Agreement } from './agree.ts';

// Tracing computes nothing, so one engine stands for all; export.tensor.test.ts has the others.
beforeAll(async () => {
  await useEngine('wasm', { threads: 1 });
});

const folder = mkdtempSync(join(tmpdir(), 'missing-u-onnx-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** One file for any number of images; it is kept for Python's checks below. */
async function agrees(denoiser: Denoiser, options: ExportOptions, agreement: Agreement): Promise<Buffer> {
  const bytes = await expectAgreement(denoiser, options, { batches: [1, 3, 16], ...agreement });
  writeFileSync(join(folder, `${readdirSync(folder).length}.onnx`), bytes);
  return Buffer.from(bytes);
}

describe('a file predicts what the network predicts', () => {
  it('at sizes where the solver would sum the states of 5 and of 7 images otherwise', async () => {
    // It sums states of up to 4,096 numbers otherwise than larger ones, and the lowest level has that many between 5 and 7.
    const model = new CUNet({ channels: 8, inChannels: 1, imageSize: 32, seed: 0 });
    await agrees(model, { imageSize: [32, 48], channels: 1 }, { height: 32, width: 48, channels: 1 });
    model.dispose();
  });

  it.each(Object.keys(presets) as PresetName[])('CUNet %s', async (preset) => {
    const model = new CUNet({ preset, channels: 8, groups: 4, imageSize: 32, trainTimesteps: 300 });
    // Its attention replaces the features by nearly equal ones, whose differences the norm magnifies in the 2 x 2 pixels of
    // the bottom: TensorFlow.js' engines themselves are 5e-5 apart there.
    const tolerance = preset === 'published-a2' ? 1e-4 : 1e-5;
    const file = await agrees(model, {}, { height: 32, channels: 3, tolerance });
    // Only attention transposes: never the convolutions, nor the stages of a solver between them.
    expect(file.includes('Transpose')).toBe(!preset.includes('woA'));
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
    await agrees(model, {}, { height: 16, channels: options.inChannels ?? 3 });
    model.dispose();
  });

  const unets: [string, UNetOptions][] = [
    ['lucidrains', { dim: 8, dimMults: [1, 2], fullAttention: [false, true] }],
    ['Ho', { preset: 'ho' }],
  ];
  it.each(unets)('UNet %s', async (_, options) => {
    const model = new UNet(options);
    await agrees(model, {}, { height: 8, channels: 3 });
    model.dispose();
  });

  it('UNet with self-conditioning, learned variance, random sinusoids', async () => {
    const options = { dim: 8, dimMults: [1, 2, 2], inChannels: 1, groups: 4, fullAttention: [false, true, false] };
    const model = new UNet({ ...options, selfCondition: true, learnedVariance: true, sinusoids: 'random' });
    const conditions = { selfCondition: { shape: [8, 8, 1] } };
    const condition = (images: number) => ({ selfCondition: normal([images, 8, 8, 1], 2) });
    await agrees(model, { conditions }, { height: 8, channels: 1, condition });
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
        numTrainTimesteps: 300,
        midBlockType: null,
        actFn: 'mish',
      },
    ],
  ];
  it.each(diffusers)('UNet2DModel: %s', async (_, options) => {
    const model = new UNet2DModel({ ...small, ...options });
    await agrees(model, {}, { height: 8, channels: 3 });
    model.dispose();
  });

  it.each([
    ['numbers', { numClassEmbeds: 5 }],
    ['times', { classEmbedType: 'timestep' as const, addAttention: false }],
  ])('UNet2DModel with class %s', async (_, options) => {
    const blocks = { downBlockTypes: ['DownBlock2D', 'DownBlock2D'], upBlockTypes: ['UpBlock2D', 'UpBlock2D'] };
    const model = new UNet2DModel({ ...small, ...blocks, ...options });
    const condition = (images: number) => ({
      classLabels: tf.tensor1d(Array.from({ length: images }, (_, i) => i % 5)),
    });
    await agrees(model, { conditions: { classLabels: {} } }, { height: 8, channels: 3, condition });
    model.dispose();
  });

  it('a function with PReLU, which some engines lack', async () => {
    const model = fromFunction((x) => tf.prelu(x, tf.tensor4d([0.1, 0.2, 0.3], [1, 1, 1, 3])));
    await agrees(model, {}, { height: 4, channels: 3 });
  });
});

const python = join(import.meta.dirname, '../../../tools/reference/.venv/bin/python');
const check = join(import.meta.dirname, '../../../tools/reference/onnx/check.py');

/** What `check.py` says of a file. */
interface Checked {
  opset: number;
  inputs: string[];
}

it.skipIf(!existsSync(python))(
  "Python's onnx accepts each of these files, and infers their shapes (needs tools/reference/.venv)",
  () => {
    const files = readdirSync(folder).map((name) => join(folder, name));
    expect(files.length).toBe(33);
    const printed = execFileSync(python, [check, ...files], { encoding: 'utf8', maxBuffer: 2 ** 27 });
    const report = Object.values(JSON.parse(printed) as Record<string, Checked>);
    expect(report.length).toBe(files.length);
    for (const { opset, inputs } of report) {
      expect(opset).toBe(17);
      expect(inputs.slice(0, 2)).toEqual(['sample', 'timestep']);
    }
  },
);
