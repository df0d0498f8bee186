import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CUNet } from '@missing-u/cunet';
import { useEngine } from '@missing-u/engine';
import { findInstallations } from '@missing-u/engine/node';
import { createGenerator, torchGenerator } from '@missing-u/random';
import { DDPMScheduler } from '@missing-u/schedulers';
import { UNet } from '@missing-u/unet-blocks';
import type { StateDict } from '@missing-u/weights';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { DDIMPipeline, DiffusionPipeline, Trainer, type TrainingScheduler } from '../src/index.ts';
import type { Network } from '../src/networks.ts';

const installed = (await findInstallations()).some(({ fault }) => fault === undefined);
const engines = ['wasm', 'cpu', ...(installed ? (['native'] as const) : [])] as const;

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

// What Python's diffusers made of its own pipelines, step by step: tools/reference/diffusion/pipelines.py write.
const golden = JSON.parse(readFileSync(here('fixtures/pipelines/images.json'), 'utf8')) as Record<
  'ddpm' | 'ddim',
  { seeds: number[]; options: { num_inference_steps: number; eta?: number }; images: number[]; samples: number[][] }
>;

describe.each(engines)('on %s', (engine) => {
  it.each(['ddpm', 'ddim'] as const)("every step of Python's %s is repeated, with PyTorch's noise", async (name) => {
    await useEngine(engine, { threads: 1 });
    const { seeds, options, images, samples } = golden[name];
    const pipeline = await DiffusionPipeline.fromPretrained(here(`fixtures/pipelines/${name}`));
    let visited = 0;
    const result = await pipeline.sample({
      batchSize: seeds.length,
      imageShape: [8, 8, 3],
      numInferenceSteps: options.num_inference_steps,
      ...(options.eta !== undefined && { eta: options.eta }),
      generator: seeds.map((seed) => torchGenerator(seed)),
      callbackOnStepEnd: (_, step, __, { sample }) => {
        expect(sample).toBeAllClose(samples[step]!, { rtol: 0, atol: 1e-3 });
        visited += 1;
      },
    });
    expect(visited).toBe(options.num_inference_steps);
    expect(result).toBeAllClose(images, { rtol: 0, atol: 1e-3 });
    for (const owned of [result, pipeline, pipeline.unet]) owned.dispose();
  });
});

/** Waves of random direction and phase in [-1, 1]. */
function waves(step: number): tf.Tensor4D {
  const random = createGenerator(11).fork(step);
  const values = Array.from({ length: 8 }, () => {
    const [a, b, phase] = [random.uniform(), random.uniform(), 6 * random.uniform()];
    return Array.from({ length: 256 }, (_, i) => Math.sin(a * (i % 16) + b * (i >> 4) + phase));
  });
  return tf.tensor4d(values.flat(), [8, 16, 16, 1]);
}

describe('DDIM of 20 steps from one seed', () => {
  const small: [name: string, make: () => Network][] = [
    ['continuous U-Net', () => new CUNet({ inChannels: 1, channels: 8, imageSize: 16, seed: 5 })],
    ['U-Net', () => new UNet({ inChannels: 1, dim: 8, imageSize: 16, seed: 5 })],
  ];

  /** Twenty steps of training: before them a network knows nothing of noise, and its chain blows up every rounding. */
  async function trained(denoiser: Network): Promise<StateDict> {
    await useEngine('wasm', { threads: 1 });
    const scheduler = new DDPMScheduler() as unknown as TrainingScheduler;
    const trainer = new Trainer({ denoiser, scheduler, seed: 1, learningRate: 2e-3, totalSteps: 20 });
    for (let step = 0; step < 20; step++) {
      const images = waves(step);
      await trainer.trainStep({ images });
      images.dispose();
    }
    trainer.dispose();
    const weights = denoiser.stateDict();
    denoiser.dispose();
    return weights;
  }

  it.each(small)('gives the same pictures on all engines: %s', { timeout: 600_000 }, async (_, make) => {
    const weights = await trained(make());
    const pictures: Float32Array[] = [];
    for (const engine of engines) {
      await useEngine(engine, { threads: 1 });
      const unet = make();
      unet.loadStateDict(weights);
      const pipeline = new DDIMPipeline({ unet });
      const sampling = { batchSize: 2, numInferenceSteps: 20, generator: 11, outputType: 'array' } as const;
      pictures.push((await pipeline.sample(sampling)).data);
      for (const owned of [pipeline, unet]) owned.dispose();
    }
    const [first, ...others] = pictures as [Float32Array, ...Float32Array[]];
    // They are pictures, neither black nor white.
    expect(first.filter((value) => value > 0.05 && value < 0.95).length).toBeGreaterThan(first.length / 2);
    for (const other of others) expect(other).toBeAllClose(first, { rtol: 0, atol: 1e-3 });
  });

  it.skipIf(!installed)('gives the same digits of a trained network on wasm and native', async () => {
    const digits: Float32Array[] = [];
    for (const engine of ['wasm', 'native'] as const) {
      await useEngine(engine, { threads: 1 });
      const pipeline = await DDIMPipeline.fromPretrained('@missing-u/pretrained/mnist-cunet');
      const sampling = { batchSize: 2, numInferenceSteps: 20, generator: 11, outputType: 'array' } as const;
      digits.push((await pipeline.sample(sampling)).data);
      pipeline.dispose();
      pipeline.unet.dispose();
    }
    expect(digits[1]!).toBeAllClose(digits[0]!, { rtol: 0, atol: 1e-3 });
  });
});
