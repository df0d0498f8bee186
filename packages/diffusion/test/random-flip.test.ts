import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { useEngine } from '@missing-u/engine';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writePng } from '../src/images/png.ts';
import { resolveConfig, resumedConfig } from '../src/runs/config.ts';
import { trainRun } from '../src/runs/train-run.ts';

const SIZE = 16;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'missing-u-flip-'));
  await useEngine('wasm', { threads: 1 });
  await picture('lopsided', (x) => (x < 5 ? 255 : 0));
  await picture('symmetric', (x) => (Math.abs(x - (SIZE - 1) / 2) < 5 ? 255 : 0));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A folder of one grey picture whose brightness depends on the column alone. */
async function picture(name: string, brightness: (x: number) => number): Promise<void> {
  mkdirSync(join(folder, name));
  const data = Uint8Array.from({ length: SIZE * SIZE }, (_, i) => brightness(i % SIZE));
  await writePng(join(folder, name, 'picture.png'), { width: SIZE, height: SIZE, channels: 1, data });
}

/** Losses of a run on one of the pictures; `sittings` are the steps at which it stops and goes on. */
async function losses(name: string, randomFlip: boolean, ...sittings: number[]): Promise<number[]> {
  const out = join(folder, `${name}-${String(randomFlip)}-${sittings.join('-')}`);
  const network = { model: 'unet2d', channels: 4, size: SIZE, modelOptions: { layersPerBlock: 1, normNumGroups: 4 } };
  const data = { dataset: 'grey-image-folder', root: join(folder, name), batch: 1, randomFlip };
  let logged: number[] = [];
  for (const steps of sittings) {
    const config = resolveConfig({ ...network, ...data, steps, sampleEvery: 0 });
    const run = await trainRun(config, { out, resume: logged.length > 0 });
    logged = run.steps.map(({ loss }) => loss);
    run.model.dispose();
  }
  return logged;
}

describe('randomFlip', () => {
  it('mirrors some of the images, and only mirrors', async () => {
    expect(await losses('symmetric', true, 8)).toEqual(await losses('symmetric', false, 8));
    expect(await losses('lopsided', true, 8)).not.toEqual(await losses('lopsided', false, 8));
  });

  it('flips the same after a stop', async () => {
    expect(await losses('lopsided', true, 3, 8)).toEqual(await losses('lopsided', true, 8));
  });

  it('cannot change within a run', () => {
    expect(() => resumedConfig(resolveConfig({ randomFlip: true }), { randomFlip: false })).toThrow(
      expect.objectContaining({ code: 'DIFFUSION_RESUME_CONFLICT' }),
    );
    expect(() => resolveConfig({ randomFlip: 'yes' })).toThrow(/`?randomFlip`? .*true or false/);
  });
});
