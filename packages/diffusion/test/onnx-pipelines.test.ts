import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CUNet } from '@missing-u/cunet';
import { DiffusionPipeline } from '@missing-u/diffusion';
import { useEngine } from '@missing-u/engine';
import { OnnxDenoiser, saveOnnx, toOnnx } from '@missing-u/onnx';
import { torchGenerator } from '@missing-u/random';
import { DDIMScheduler, DDPMScheduler } from '@missing-u/schedulers';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const python = here('../../../tools/reference/.venv/bin/python');
const script = here('../../../tools/reference/onnx/pipelines.py');

beforeAll(() => useEngine('wasm', { threads: 1 }).then(() => undefined));

describe("an exported cU-Net in the pipelines of Python's diffusers", () => {
  it.skipIf(!existsSync(python))(
    'gives our pictures for the same torch seeds (needs tools/reference/.venv)',
    { timeout: 240_000 },
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'missing-u-onnx-'));
      const unet = new CUNet({ inChannels: 3, channels: 8, groups: 4, imageSize: 16, seed: 3 });
      try {
        const file = join(folder, 'cunet.onnx');
        await saveOnnx(unet, file);
        const theirs = JSON.parse(execFileSync(python, [script, file, '0,7'], { encoding: 'utf8' })) as {
          ddpm: number[];
          ddim: number[];
        };
        const options = { batchSize: 2, imageShape: [16, 16, 3] as const };
        const pictures = async (scheduler: unknown, steps: number, eta?: number) => {
          const pipeline = new DiffusionPipeline({ unet, scheduler } as never);
          const generator = [torchGenerator(0), torchGenerator(7)];
          const more = { ...(eta !== undefined && { eta }), numInferenceSteps: steps };
          return pipeline.sample({ ...options, ...more, generator });
        };
        expect(await pictures(new DDPMScheduler(), 6)).toBeAllClose(theirs.ddpm, { rtol: 0, atol: 1e-3 });
        expect(await pictures(new DDIMScheduler(), 5, 0.5)).toBeAllClose(theirs.ddim, { rtol: 0, atol: 1e-3 });
      } finally {
        unet.dispose();
        rmSync(folder, { recursive: true });
      }
    },
  );
});

describe('an OnnxDenoiser in a pipeline', () => {
  it.skipIf(!existsSync(python))(
    "samples what diffusers does with the U-Net that PyTorch's exporter wrote (needs tools/reference/.venv)",
    { timeout: 240_000 },
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'missing-u-onnx-'));
      execFileSync(python, [here('../../../tools/reference/onnx/foreign.py'), folder], { stdio: 'ignore' });
      const expected = JSON.parse(readFileSync(join(folder, 'unet.json'), 'utf8')) as Record<
        'start' | 'images',
        number[]
      >;
      const denoiser = await OnnxDenoiser.load(join(folder, 'unet.onnx'));
      const scheduler = new DDIMScheduler();
      scheduler.setTimesteps(4);
      const process = new DiffusionPipeline({ denoiser, scheduler }).reverse({
        sample: tf.tensor4d(expected.start, [2, 16, 16, 3]),
        timesteps: [...scheduler.timesteps],
        generators: [torchGenerator(0), torchGenerator(1)],
      });
      let turn = await process.next();
      while (turn.done !== true) turn = await process.next();
      expect(turn.value).toBeAllClose(expected.images, { rtol: 0, atol: 1e-3 });
      turn.value.dispose();
      await denoiser.dispose();
      rmSync(folder, { recursive: true });
    },
  );

  it('gives the images of the network that it was exported from, in the size of the file', async () => {
    const unet = new CUNet({ inChannels: 1, channels: 8, groups: 4, imageSize: 16, seed: 3 });
    const denoiser = await OnnxDenoiser.load(await toOnnx(unet, { imageSize: [16, 16], channels: 1 }));
    const options = { batchSize: 3, numInferenceSteps: 4, generator: 5 };
    const scheduler = new DDIMScheduler();
    const expected = await new DiffusionPipeline({ unet, scheduler }).sample(options);
    const images = await new DiffusionPipeline({ denoiser, scheduler }).sample(options);
    expect(images).toBeAllClose(expected, { rtol: 0, atol: 1e-4 });
    tf.dispose([images, expected]);
    const pieces = () => new DiffusionPipeline({ denoiser, scheduler }).sample({ ...options, chunkSize: 2 });
    await expect(async () => (await pieces()).dispose()).toLeakNoTensors();
    unet.dispose();
    await denoiser.dispose();
  });
});
