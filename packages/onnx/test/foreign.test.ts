import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DDIMScheduler } from '@missing-u/schedulers';
import { afterAll, describe, expect, it } from 'vitest';
import { OnnxDenoiser } from '@missing-u/onnx';
import { relativeDifference } from './agree.ts';

const python = join(import.meta.dirname, '../../../tools/reference/.venv/bin/python');
const script = join(import.meta.dirname, '../../../tools/reference/onnx/foreign.py');

describe.skipIf(!existsSync(python))('a U-Net that PyTorch exported (needs tools/reference/.venv)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'missing-u-onnx-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('predicts, and samples with our schedulers, what diffusers does', async () => {
    execFileSync(python, [script, folder], { stdio: ['ignore', 'ignore', 'inherit'] });
    const expected = JSON.parse(readFileSync(join(folder, 'unet.json'), 'utf8')) as Record<string, number[]>;
    const unet = await OnnxDenoiser.load(join(folder, 'unet.onnx'), { threads: 1 });
    expect(unet).toMatchObject({ imageSize: [16, 16], channels: 3, predictionType: undefined });
    let images = Float32Array.from(expected['start']!);
    expect(relativeDifference(await unet.predict(images, 500), expected['prediction']!)).toBeLessThan(1e-5);
    const scheduler = new DDIMScheduler();
    scheduler.setTimesteps(4);
    for (const t of scheduler.timesteps) {
      images = scheduler.step(await unet.predict(images, t), t, images, { shape: [2, 16, 16, 3] }).prevSample;
    }
    expect(relativeDifference(images, expected['images']!)).toBeLessThan(1e-4);
    await unet.dispose();
  });
});
