import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CUNet } from '@missing-u/cunet';
import { useEngine } from '@missing-u/engine';
import { DDIMScheduler } from '@missing-u/schedulers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DiffusionPipeline } from '../src/index.ts';
import { smallNetwork } from './small-network.ts';
import { runCommand } from './run-command.ts';

let folder: string;
beforeAll(async () => {
  await useEngine('wasm', { threads: 1 });
  folder = mkdtempSync(join(tmpdir(), 'missing-u-compare-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function save(path: string, seed: number): Promise<string> {
  const unet = new CUNet({ channels: 8, groups: 4, imageSize: 32, inChannels: 1, seed });
  const place = join(folder, path);
  await new DiffusionPipeline({ unet, scheduler: new DDIMScheduler() }).savePretrained(place);
  unet.dispose();
  return place;
}

const few = '--steps 1 --count 2 --real-count 4 --from 0 --dataset mnist --engine wasm --threads 1 --json'.split(' ');

describe('missing-u compare', () => {
  it('tells models apart whose folders are called alike', async () => {
    const models = [await save('a/run', 1), await save('b/run', 2)];
    const { status, stdout, stderr } = await runCommand('compare', ...models, ...few, '--out', join(folder, 'out'));
    expect(status, stderr).toBe(0);
    const { results } = JSON.parse(stdout) as { results: { model: string; values: Record<string, number> }[] };
    expect(results.map(({ model }) => model)).toEqual(['a/run', 'b/run']);
    expect(results[0]!.values).not.toEqual(results[1]!.values);
  });

  it('samples and restores with class-conditional networks, of any class or of one', async () => {
    const unet = smallNetwork(32, 11);
    const model = join(folder, 'labelled');
    await new DiffusionPipeline({ unet, scheduler: new DDIMScheduler() }).savePretrained(model);
    unet.dispose();
    const measured: unknown[] = [];
    for (const more of [[], ['--label', '3']]) {
      const args = [model, ...few, '--from', '10', '--out', join(folder, 'labels'), ...more];
      const { status, stdout, stderr } = await runCommand('compare', ...args);
      expect(status, stderr).toBe(0);
      const { results, restored } = JSON.parse(stdout) as Record<'results' | 'restored', { values: object }[]>;
      measured.push([results[0]!.values, restored[0]!.values]);
    }
    expect(measured[0]).not.toEqual(measured[1]);
  });

  it.each([
    [['mnist-cunet', '--label', '3'], /was not trained with labels.*DIFFUSION_BAD_LABELS/],
    [['mnist-cunet', 'mnist-cunet'], /`mnist-cunet` is named twice.*DIFFUSION_DUPLICATE_NAME/],
    [['mnist-cunet', '--schedulers', 'ddim,ddim'], /--schedulers[\s\S]*each of them once/],
  ])('refuses %j', async (args, message) => {
    const { status, stderr } = await runCommand('compare', ...args, ...few);
    expect(status).toBe(2);
    expect(stderr).toMatch(message);
  });
});
