import { once } from 'node:events';
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

  it('fails where a worker ends, answers late or cannot be made, and leaves none behind', async () => {
    const ending = () => new Worker('process.exit(3)', { eval: true });
    const failed = { code: 'DENOISERS_WORKER_FAILED' };
    await expect(bm3dAsync(image, 0.1, { workers: 2, createWorker: ending })).rejects.toMatchObject({
      ...failed,
      message: expect.stringContaining('code 3') as string,
    });
    let made = 0;
    const workers: Worker[] = [];
    const oneOfTwo = (other: () => Worker) => () => (
      workers.push(made++ % 2 === 0 ? createWorker() : other()),
      workers.at(-1)!
    );
    await expect(bm3dAsync(image, 0.1, { workers: 2, createWorker: oneOfTwo(ending) })).rejects.toMatchObject(failed);
    const none = () => {
      throw new Error('no room');
    };
    await expect(bm3dAsync(image, 0.1, { workers: 2, createWorker: oneOfTwo(none) })).rejects.toMatchObject({
      ...failed,
      message: expect.stringContaining('no room') as string,
    });
    const nothing = () => undefined as never;
    await expect(bm3dAsync(image, 0.1, { workers: 1, createWorker: nothing })).rejects.toMatchObject(failed);
    for (const worker of workers) if (worker.threadId !== -1) await once(worker, 'exit');
  });
});
