import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { useEngine } from '@missing-u/engine';
import { DDPMScheduler } from '@missing-u/schedulers';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DiffusionPipeline, type Denoiser } from '../src/index.ts';
import { samplePaths, sampleSet, type SampleSetOptions } from '../src/runs/sample-set.ts';

let folder: string;
beforeAll(() => useEngine('wasm').then(() => undefined));
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'missing-u-samples-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

let calls = 0;
const unet: Denoiser = {
  predict: (sample) => {
    calls += 1;
    return tf.tidy(() => tf.mul(tf.tanh(sample), 0.7));
  },
};

function make(options: Partial<SampleSetOptions> = {}): Promise<void> {
  const pipeline = new DiffusionPipeline({ unet, scheduler: new DDPMScheduler() });
  const set = { pipeline, folder, count: 5, seed: 1, settings: { model: 'tanh' }, imageShape: [4, 4, 1] as const };
  return sampleSet({ ...set, numInferenceSteps: 3, chunkSize: 2, ...options });
}

const hashes = (of: string) =>
  samplePaths(of).map((path) => createHash('md5').update(readFileSync(path)).digest('hex'));

describe('sampleSet', () => {
  it('is the same set in one go, in pieces, and after an interruption', async () => {
    await make();
    const whole = hashes(folder);
    expect(new Set(whole).size).toBe(5);

    rmSync(samplePaths(folder)[3]!);
    writeFileSync(join(folder, '.00000003.png.999999999.tmp'), 'half a picture');
    calls = 0;
    await make();
    expect(hashes(folder)).toEqual(whole);
    expect(calls).toBe(3); // only the chunk of the missing picture was computed
    expect(existsSync(join(folder, '.00000003.png.999999999.tmp'))).toBe(false);

    const other = join(folder, 'other');
    await make({ folder: other, count: 2, chunkSize: 1 });
    await make({ folder: other, chunkSize: 4 });
    expect(hashes(other)).toEqual(whole);
  });

  it('is made by several at once, each chunk by one', async () => {
    calls = 0;
    await Promise.all([make({ chunkSize: 1 }), make({ chunkSize: 1 }), make({ chunkSize: 1 })]);
    expect(calls).toBe(5 * 3);
    const together = hashes(folder);
    const alone = join(folder, 'alone');
    await make({ folder: alone });
    expect(together).toEqual(hashes(alone));
    expect(readdirSync(folder).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('refuses a folder of other settings', async () => {
    await make({ count: 1 });
    await expect(make({ seed: 2 })).rejects.toMatchObject({ code: 'DIFFUSION_OTHER_SAMPLES' });
    await expect(make({ settings: { model: 'sine' } })).rejects.toMatchObject({ code: 'DIFFUSION_OTHER_SAMPLES' });
    // A folder that an earlier version began may have its settings in another order, and defaults by name.
    await make({ settings: { checkpoint: null, model: 'tanh' }, count: 2 });
  });

  it.each([
    { classLabels: 3 },
    { guidanceScale: 2, classLabels: 1, nullLabel: 0 },
    { useClippedModelOutput: true },
    { selfConditioning: true },
    { imageShape: [8, 4, 1] },
    { eta: 0.5 },
    { numInferenceSteps: 2 },
  ] as const)('refuses a folder of other choices than %j', async (choice) => {
    await make({ count: 1 });
    await expect(make(choice)).rejects.toMatchObject({ code: 'DIFFUSION_OTHER_SAMPLES' });
    const own = join(folder, 'own');
    await make({ ...choice, folder: own, count: 1 });
    await make({ ...choice, folder: own, count: 2, chunkSize: 1, compile: false });
    expect(samplePaths(own)).toHaveLength(2);
  });

  it('leaks no tensors', async () => {
    await expect(async () => {
      await make({ folder: mkdtempSync(join(folder, 'set-')), count: 3 });
    }).toLeakNoTensors();
  });
});
