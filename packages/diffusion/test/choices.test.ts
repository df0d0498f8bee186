import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { useEngine } from '@missing-u/engine';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { choicesTable, type MeasuredChoice } from '../src/paper/choices.ts';
import { resolveConfig } from '../src/runs/config.ts';

beforeAll(() => useEngine('wasm').then(() => undefined));
const folder = mkdtempSync(join(tmpdir(), 'missing-u-choices-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('trains each network alike, once, and compares', { timeout: 480_000 }, async () => {
  const seen: number[] = [];
  const networks = [
    { name: 'no diffusion time', modelOptions: { timeConditioning: 'none' } },
    { name: 'U-Net', model: 'unet' as const },
  ];
  const measure = (steps = 2, count = 2, weights?: string) =>
    choicesTable({
      ...(weights !== undefined && { weights }),
      ...{ config: resolveConfig({ dataset: 'mnist', channels: 8 }), steps, batch: 2, samples: 2, seed: 0, folder },
      networks: networks.slice(0, count),
      onProgress: (done) => void seen.push(done),
    });
  const { table, data } = await measure();
  const [blind, unet] = data as MeasuredChoice[];
  expect(seen).toEqual(Array.from({ length: 4 }, (_, i) => i + 1));
  expect(table.rows[0]!.slice(1, 4)).toEqual([
    blind!.parameters,
    blind!.parameters / unet!.parameters,
    blind!.operations / unet!.operations,
  ]);
  for (const { loss, distance, secondsPerStep } of data as MeasuredChoice[]) {
    for (const value of [loss, distance, secondsPerStep]) expect(value).toBeGreaterThan(0);
  }
  // A second time nothing is trained again.
  seen.length = 0;
  const again = (await measure()).data as MeasuredChoice[];
  expect(seen).toEqual([]);
  expect(again.map(({ loss, distance }) => [loss, distance])).toEqual(
    (data as MeasuredChoice[]).map(({ loss, distance }) => [loss, distance]),
  );
  // A shorter training is another one, not the longer one under its caption.
  const [shorter] = (await measure(1, 1)).data as MeasuredChoice[];
  expect(seen).toEqual([1]);
  expect(shorter!.loss).not.toBe(blind!.loss);
  expect(readdirSync(folder).sort()).toEqual(
    [1, 2].map((steps) => expect.stringMatching(`^mnist-32-${steps}-steps-of-2-seed-0-samples-2-`) as string),
  );
  // Features of other weights are another distance, and what is missing is said before anything is trained.
  seen.length = 0;
  await expect(measure(2, 1, join(folder, 'none.pth'))).rejects.toThrow('none.pth');
  expect(seen).toEqual([]);
});
