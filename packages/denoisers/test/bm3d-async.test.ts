import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { build } from 'esbuild';
import { createGenerator } from '@missing-u/random';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bm3d, bm3dAsync, type RasterImage } from '../src/index.ts';

// Node cannot start a worker from TypeScript, so the worker's file is bundled as the build does it.
let folder: string;
let createWorker: () => Worker;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bm3d-'));
  const outfile = join(folder, 'bm3d.worker.mjs');
  const entry = fileURLToPath(new URL('../src/bm3d.worker.ts', import.meta.url));
  await build({ entryPoints: [entry], outfile, bundle: true, format: 'esm', platform: 'neutral', logLevel: 'error' });
  createWorker = () => new Worker(outfile);
});
afterAll(() => rm(folder, { recursive: true }));

const image: RasterImage = {
  data: createGenerator(1).fillUniform(new Float32Array(160 * 40 * 3)),
  width: 160,
  height: 40,
  channels: 3,
};

describe('bm3dAsync', () => {
  it('gives what bm3d gives, to the bit', async () => {
    const options = { workers: 2, createWorker };
    expect(await bm3dAsync(image, 0.1, options)).toEqual(bm3d(image, 0.1));
    const separate = { channels: 'separate', stage: 'hard-threshold' } as const;
    expect(await bm3dAsync(image, 0.1, { ...options, ...separate })).toEqual(bm3d(image, 0.1, separate));
    expect(await bm3dAsync(image, 0, options)).toEqual(image);
  });

  it('refuses what bm3d refuses, and tells when a worker fails', async () => {
    await expect(bm3dAsync(image, -1, { createWorker })).rejects.toMatchObject({ code: 'DENOISERS_BAD_SIGMA' });
    await expect(bm3dAsync(image, 0.1, { workers: 0, createWorker })).rejects.toThrow(/`workers` is 0/);
    const broken = () => new Worker('throw new Error("no luck")', { eval: true });
    await expect(bm3dAsync(image, 0.1, { createWorker: broken })).rejects.toThrow(/no luck/);
  });
});
