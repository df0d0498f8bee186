import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import { datasetsCommand } from '../src/cli/index.ts';
import { openPack } from '../src/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'datasets-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function run(...words: string[]): Promise<string[]> {
  const lines: string[] = [];
  await datasetsCommand((line) => lines.push(line)).parseAsync(words, { from: 'user' });
  return lines;
}

describe('missing-u datasets', () => {
  it('lists the sets and tells about one', async () => {
    expect((await run('list')).find((line) => line.startsWith('mnist '))).toContain('60,000 + 10,000 digits');
    const info = (await run('info', 'mnist')).join('\n');
    expect(info).toContain('parts: train, test');
    expect(info).toContain('f68b3c2dcbeaaa9fbdd348bbdeb94873');
    expect((await run('info', 'celeba')).join('\n')).toContain('by hand');
    await expect(run('info', 'minst')).rejects.toThrow("Did you mean 'mnist'?");
  });

  it('says the same as JSON', async () => {
    const json = async (...words: string[]) => JSON.parse((await run(...words, '--json')).join('')) as unknown;
    expect(await json('list')).toContainEqual(expect.objectContaining({ name: 'celeba', parts: expect.any(Array) }));
    expect(await json('info', 'kmnist')).toMatchObject({ name: 'kmnist', found: [], parts: ['train', 'test'] });
    expect(await json('check', 'mnist', '--split', 'test')).toMatchObject({
      pictures: 10_000,
      verified: true,
      corrupt: [],
      classes: { 7: 1028 },
    });
    const file = join(folder, 'json.pack');
    expect(await json('pack', 'shapes', '--size', '8', '--out', file)).toEqual({
      name: 'shapes',
      pictures: 1000,
      file,
    });
  });

  it('checks every picture and fails for a corrupt one', async () => {
    const lines = await run('check', 'mnist', '--split', 'test');
    expect(lines).toContain('the files are the published ones, byte for byte');
    expect(lines).toContain('7: 1028');
    const place = join(folder, 'pictures/cats');
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, 'a.jpg'), 'no picture');
    await expect(run('check', 'folder', '--root', join(folder, 'pictures'))).rejects.toThrow('1 of 1 pictures');
  });

  it('shows a labelled grid', async () => {
    const out = join(folder, 'shapes.png');
    expect(await run('show', 'shapes', '--size', '24', '--rows', '2', '--columns', '5', '--out', out)).toEqual([
      `shapes: 1000 pictures, the first of them in ${out}`,
    ]);
    const { data, info } = await sharp(out).raw().toBuffer({ resolveWithObject: true });
    expect([info.width, info.height, info.channels]).toEqual([2 + 5 * 26, 2 + 2 * (24 + 7 + 2), 3]);
    // The caption under the first picture is written in light pixels on dark ground.
    const row = [...data.subarray((2 + 24 + 2) * info.width * 3, (2 + 24 + 3) * info.width * 3)];
    expect(new Set(row)).toEqual(new Set([32, 224]));
  });

  it('packs', async () => {
    const out = join(folder, 'shapes.pack');
    await run('pack', 'shapes', '--size', '8', '--out', out);
    expect((await openPack(out)).length).toBe(1000);
    expect(readFileSync(out).length).toBe(4096 + 1000 * (192 + 4));
  });

  it('says that a set cannot be fetched', async () => {
    await expect(run('download', 'celeba', '--root', folder)).rejects.toMatchObject({ code: 'DATASETS_NO_DOWNLOAD' });
  });
});
