import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { createGenerator } from '@missing-u/random';
import { saveSafetensors } from '@missing-u/weights';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { denoiseCommand, type DenoiseContext } from '../src/cli/index.ts';
import { readPicture, writePicture } from '../src/cli/pictures.ts';
import { DnCNN, type RasterImage } from '../src/index.ts';

let folder: string;
const path = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'denoise-'));
  const clean: RasterImage = {
    data: Float32Array.from({ length: 32 * 24 }, (_, i) => 0.3 + ((i % 32) / 32) * 0.4),
    width: 32,
    height: 24,
    channels: 1,
  };
  const noise = createGenerator(0).fillNormal(new Float32Array(clean.data.length));
  await writePicture(path('clean.png'), clean);
  await writePicture(path('noisy.png'), {
    ...clean,
    data: Float32Array.from(noise, (n, i) => clean.data[i]! + 0.1 * n),
  });
});
afterAll(() => rm(folder, { recursive: true }));

async function run(args: string[], context: DenoiseContext = {}, out = path('out')): Promise<string> {
  const printed: string[] = [];
  const command = denoiseCommand({ ...context, print: (text) => printed.push(text) });
  command.exitOverride().configureOutput({ writeErr: () => {} });
  await command.parseAsync([...args, '--out', out], { from: 'user' });
  return printed.join('\n');
}

describe('missing-u denoise', () => {
  it('writes pictures and compares them with the clean one', async () => {
    const model = { denoise: (images: Parameters<DnCNN['denoise']>[0]) => tf.clone(images) };
    const args = [path('noisy.png'), '--method', folder, '--reference', path('clean.png'), '--sigma', '25', '--json'];
    const report = JSON.parse(await run(args, { loadModel: () => Promise.resolve(model) })) as {
      images: { sigma: number; psnr: { before: number; after: number }; ssim: { after: number } }[];
    };
    expect(report.images[0]!.sigma).toBeCloseTo(25);
    expect(report.images[0]!.psnr.before).toBeCloseTo(20, 0);
    expect(report.images[0]!.psnr.after).toBeCloseTo(report.images[0]!.psnr.before, 1);
    expect(report.images[0]!.ssim.after).toBeLessThan(0.9);
    expect((await readdir(path('out'))).sort()).toEqual(['noisy-before-after.png', 'noisy.png']);
    expect((await readPicture(path('out/noisy-before-after.png'))).width).toBe(64);
    // A grey picture stays one in the file: PNG's colour type, the tenth byte of the header's data.
    expect((await readFile(path('out/noisy.png')))[25]).toBe(0);
  });

  it('takes a DnCNN from a file, and estimates the noise when it is not told', async () => {
    const model = new DnCNN({ depth: 3, features: 2 });
    await saveSafetensors(model.stateDict(), path('dncnn.safetensors'));
    const text = await run([path('noisy.png'), '--method', 'dncnn', '--weights', path('dncnn.safetensors')]);
    expect(Number(/sigma ([\d.]+)/.exec(text)![1])).toBeCloseTo(25.5, -1);
  });

  it('takes a colour through a grey network, in any size, turned eight times', async () => {
    const model = new DnCNN({ depth: 3, features: 2 });
    await saveSafetensors(model.stateDict(), path('dncnn.safetensors'));
    const data = createGenerator(1).fillUniform(new Float32Array(9 * 13 * 3));
    await writePicture(path('colour.png'), { data, width: 9, height: 13, channels: 3 });
    const args = ['--method', 'dncnn', '--weights', path('dncnn.safetensors'), '--sigma', '25', '--self-ensemble'];
    await run([path('colour.png'), ...args]);
    expect(await readPicture(path('out/colour.png'))).toMatchObject({ width: 9, height: 13, channels: 3 });
  });

  it('compares a grey picture with the grey of a coloured one', async () => {
    const data = Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1, 0.2, 0.2, 0.2);
    await writePicture(path('colours.png'), { data, width: 2, height: 2, channels: 3 });
    const grey = await readPicture(path('colours.png'), 1);
    expect(grey.channels).toBe(1);
    for (const [i, value] of [0.299, 0.587, 0.114, 0.2].entries()) expect(grey.data[i]).toBeCloseTo(value, 6);
  });

  it('writes over nothing that it was given', async () => {
    await mkdir(path('other'), { recursive: true });
    await cp(path('noisy.png'), path('other/noisy.png'));
    await cp(path('noisy.png'), path('out/noisy.png'));
    await expect(run([path('out/noisy.png')])).rejects.toThrow(/its own folder; give another --out/);
    await expect(run([path('noisy.png'), path('other/noisy.png')])).rejects.toThrow(/would have one name/);
    await cp(path('noisy.png'), path('noisy-before-after.png'));
    await expect(run([path('noisy.png'), path('noisy-before-after.png')])).rejects.toThrow(/would have one name/);
    const reference = await readFile(path('out/noisy.png'));
    await expect(run([path('noisy.png'), '--reference', path('out/noisy.png')])).rejects.toThrow(/would write over/);
    expect(await readFile(path('out/noisy.png'))).toEqual(reference);
    await symlink(path('out'), path('link'), 'junction');
    const linked = (args: string[]) => run(args, {}, path('link'));
    await expect(linked([path('out/noisy.png')])).rejects.toThrow(/its own folder; give another --out/);
    await expect(linked([path('noisy.png'), '--reference', path('out/noisy.png')])).rejects.toThrow(/would write over/);
    expect(await readFile(path('out/noisy.png'))).toEqual(reference);
  });

  it('refuses what it cannot do', async () => {
    await expect(run([path('noisy.png'), '--method', 'bm3'])).rejects.toThrow(/Did you mean 'bm3d'/);
    await expect(run([path('none.png')])).rejects.toThrow(/none.png cannot be read \(ENOENT\)/);
    await expect(run([path('noisy.png'), '--method', 'dncnn'])).rejects.toThrow(/needs --weights/);
    await expect(run([path('noisy.png'), '--sigma', 'x'])).rejects.toThrow(/0 to 255/);
    await expect(run([path('noisy.png'), '--sigma', ''])).rejects.toThrow(/0 to 255/);
    await expect(run([path('noisy.png'), '--weights', 'x.pth'])).rejects.toThrow(/not to bm3d/);
    await expect(run([path('noisy.png')], {}, path('clean.png'))).rejects.toThrow(/where a file is/);
    await expect(run([path('noisy.png'), '--profile', 'nq'])).rejects.toThrow(/Did you mean 'np'/);
    const model = { denoise: (images: Parameters<DnCNN['denoise']>[0]) => tf.clone(images) };
    const folderOfModel = ['--method', folder, '--profile', 'np'];
    await expect(
      run([path('noisy.png'), ...folderOfModel], { loadModel: () => Promise.resolve(model) }),
    ).rejects.toThrow(/--profile belongs to bm3d/);
    await writePicture(path('small.png'), { data: new Float32Array(64), width: 8, height: 8, channels: 1 });
    await expect(run([path('noisy.png'), '--reference', path('small.png')])).rejects.toThrow(/32x24 pixels.*8x8/);
    const two = ['--reference', path('clean.png'), path('clean.png')];
    await expect(run([path('noisy.png'), ...two])).rejects.toThrow(/1 noisy and 2 clean/);
  });
});
