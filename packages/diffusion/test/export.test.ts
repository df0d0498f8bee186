import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CUNet } from '@missing-u/cunet';
import { DiffusionPipeline } from '@missing-u/diffusion';
import { useEngine } from '@missing-u/engine';
import { OnnxDenoiser } from '@missing-u/onnx';
import { DDIMScheduler } from '@missing-u/schedulers';
import { registerDenoisers } from '@missing-u/unet-blocks/layers';
import { loadNpz, loadSafetensors } from '@missing-u/weights';
import * as tf from '@tensorflow/tfjs-core';
import { loadLayersModel } from '@tensorflow/tfjs-layers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** The command as users run it: the built program in a process of its own. */
const bin = fileURLToPath(new URL('../bin/missing-u.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'missing-u-export-'));
const path = (name: string) => join(folder, name);
let model: CUNet;

beforeAll(async () => {
  await useEngine('wasm', { threads: 1 });
  model = new CUNet({ channels: 8, groups: 4, imageSize: 16, inChannels: 1 });
  const scheduler = new DDIMScheduler({ prediction_type: 'v_prediction', clip_sample: false });
  await new DiffusionPipeline({ unet: model, scheduler }).savePretrained(path('pipeline'));
});
afterAll(() => {
  model.dispose();
  rmSync(folder, { recursive: true });
});

function run(...args: string[]): Promise<{ status: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [bin, ...args], (_error, stdout, stderr) => {
      resolve({ status: child.exitCode, stdout, stderr });
    });
  });
}

async function exported(format: string, name: string, ...more: string[]): Promise<{ paths: string[]; bytes: number }> {
  const args = ['--model', path('pipeline'), '--format', format, '--out', path(name), '--engine', 'wasm', '--json'];
  const { status, stdout, stderr } = await run('export', ...args, ...more);
  expect(status, stderr).toBe(0);
  return JSON.parse(stdout) as { paths: string[]; bytes: number };
}

const sample = () => tf.tensor4d(Float32Array.from({ length: 256 }, (_, i) => Math.sin(i)), [1, 16, 16, 1]); // prettier-ignore

describe('missing-u export', () => {
  it('writes an ONNX file with the scheduler in it', async () => {
    const { paths, bytes } = await exported('onnx', 'model.onnx');
    expect(paths).toEqual([path('model.onnx')]);
    expect(bytes).toBe(readFileSync(path('model.onnx')).length);
    const onnx = await OnnxDenoiser.load(path('model.onnx'));
    expect(onnx.schedulerConfig).toMatchObject({ _class_name: 'DDIMScheduler', prediction_type: 'v_prediction' });
    expect(onnx.predictionType).toBe('v_prediction');
    expect(await onnx.predict(sample(), 500)).toBeAllClose(model.predict(sample(), 500), { rtol: 0, atol: 1e-5 });
    await onnx.dispose();
    const half = await exported('onnx', 'half.onnx', '--float16', '--batch', '2');
    expect(half.bytes).toBeLessThan(0.6 * bytes);
  });

  it('writes safetensors with the names of the weights', async () => {
    await exported('safetensors', 'model.safetensors');
    const dict = await loadSafetensors(path('model.safetensors'));
    expect(Object.keys(dict).sort()).toEqual(Object.keys(model.stateDict()).sort());
    expect(dict['head.weight']!.data).toEqual(model.stateDict()['head.weight']!.data);
  });

  it("writes a folder in diffusers' layout", async () => {
    const { paths } = await exported('diffusers', 'again');
    expect(paths.every((file) => existsSync(file))).toBe(true);
    const { unet, scheduler } = await DiffusionPipeline.fromPretrained(path('again'));
    expect((scheduler as unknown as DDIMScheduler).config).toMatchObject({ prediction_type: 'v_prediction' });
    expect((unet as unknown as CUNet).stateDict()).toEqual(model.stateDict());
  });

  it('writes a layers model', async () => {
    await exported('layers', 'layers');
    const topology = JSON.parse(readFileSync(path('layers/model.json'), 'utf8')) as {
      modelTopology: object;
      weightsManifest: [{ weights: tf.io.WeightsManifestEntry[] }];
    };
    const weights = readFileSync(path('layers/weights.bin'));
    registerDenoisers({ CUNet });
    const loaded = await loadLayersModel(
      tf.io.fromMemory({
        modelTopology: topology.modelTopology,
        weightSpecs: topology.weightsManifest[0].weights,
        weightData: weights.buffer.slice(weights.byteOffset, weights.byteOffset + weights.byteLength),
      }),
    );
    const prediction = loaded.predict([sample(), tf.tensor2d([[500]])]) as tf.Tensor;
    expect(prediction).toBeAllClose(model.predict(sample(), 500));
  });

  it.each([
    [['--format', 'onxn', '--model', 'pipeline'], /Did you mean 'onnx'.*DIFFUSION_UNKNOWN_FORMAT/],
    [['--format', 'onnx', '--model', 'absent'], /absent.*DIFFUSION_NOT_A_MODEL/],
    [['--format', 'onnx', '--model', 'pipeline', '--scheduler', 'ddmi'], /DIFFUSION_UNKNOWN_SCHEDULER/],
    [['--format', 'onnx', '--model', 'pipeline', '--batch', 'many'], /--batch/],
  ])('refuses %j', async ([format, name, model, place, ...more], text) => {
    const args = [format!, name!, model!, path(place!), '--out', path('refused'), '--engine', 'cpu', ...more];
    const { status, stderr } = await run('export', ...args);
    expect(status).not.toBe(0);
    expect(stderr).toMatch(text);
    expect(existsSync(path('refused'))).toBe(false);
  });
});

describe('missing-u sample --engine onnx', () => {
  it('makes the pictures of the other engines, of a file and of a folder', async () => {
    await exported('onnx', 'sampled.onnx');
    const pipeline = await DiffusionPipeline.fromPretrained(path('pipeline'));
    const shape = [16, 16, 1] as const;
    const images = await pipeline.sample({ batchSize: 3, imageShape: shape, numInferenceSteps: 4, generator: 5 });
    const expected = Array.from(await images.data(), (value) => Math.round(255 * value));
    for (const place of ['sampled.onnx', 'pipeline']) {
      const args = ['--steps', '4', '--count', '3', '--batch', '2', '--seed', '5', '--threads', '1'];
      const files = ['--out', path('grid.png'), '--npz', path('samples.npz')];
      const { status, stderr, stdout } = await run(
        'sample',
        '--model',
        path(place),
        '--engine',
        'onnx',
        ...args,
        ...files,
        '--json',
      );
      expect(status, stderr).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ engine: 'onnx', samples: 3, steps: 4 });
      const { samples } = await loadNpz(path('samples.npz'));
      expect(samples!.shape).toEqual([3, 16, 16, 1]);
      const far = Array.from(samples!.data as Uint8Array).filter((value, i) => Math.abs(value - expected[i]!) > 1);
      expect(far).toEqual([]);
    }
  });

  it('refuses files that are no models', async () => {
    const args = ['--model', path('absent.onnx'), '--engine', 'onnx', '--out', path('none.png')];
    const { status, stderr } = await run('sample', ...args);
    expect(status).not.toBe(0);
    expect(stderr).toMatch(/absent\.onnx.*ONNX_INVALID_FILE/);
  });
});
