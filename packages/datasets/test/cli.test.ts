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

  it('hands on the options that a set has, and no others', async () => {
    const root = join(folder, 'celeba');
    mkdirSync(join(root, 'img_align_celeba'), { recursive: true });
    const picture = sharp({ create: { width: 178, height: 218, channels: 3, background: '#102030' } });
    writeFileSync(join(root, 'img_align_celeba/000001.jpg'), await picture.jpeg().toBuffer());
    writeFileSync(join(root, 'list_eval_partition.txt'), '000001.jpg 0\n');
    writeFileSync(join(root, 'identity_CelebA.txt'), '000001.jpg 42\n');
    const out = join(folder, 'celeba.pack');
    const place = ['celeba', '--root', root, '--out', out];
    await run('pack', ...place, '--crop', 'ddim', '--size', '16', '--target-type', 'identity');
    const packed = await openPack(out);
    expect([(await packed.get(0)).image.shape, packed.labelOf(0)]).toEqual([[16, 16, 3], 42]);
    await packed.close();
    await expect(run('pack', ...place, '--crop', 'ddmi')).rejects.toThrow("Did you mean 'ddim'?");
    await expect(run('pack', ...place, '--target-type', 'identity,age')).rejects.toThrow('attr, identity');
    await expect(run('check', 'emnist', '--variant', 'letter')).rejects.toThrow("Did you mean 'letters'?");
    await expect(run('check', 'mnist', '--crop', 'ddim')).rejects.toThrow('MNIST has root, split, size');
  });

  it('advises --size for pictures of several', async () => {
    const root = join(folder, 'sizes');
    mkdirSync(root);
    for (const width of [8, 9]) {
      const picture = sharp({ create: { width, height: 8, channels: 3, background: '#102030' } });
      writeFileSync(join(root, `${width}.jpg`), await picture.jpeg().toBuffer());
    }
    for (const words of [['show'], ['pack', '--workers', '0']]) {
      const [command = '', ...more] = words;
      const out = join(folder, 'sizes.out');
      await expect(run(command, 'folder', '--root', root, '--out', out, ...more)).rejects.toThrow('--size 64');
      await run(command, 'folder', '--root', root, '--out', out, '--size', '8', ...more);
    }
  });

  it('says that a set cannot be fetched', async () => {
    await expect(run('download', 'celeba', '--root', folder)).rejects.toMatchObject({ code: 'DATASETS_NO_DOWNLOAD' });
  });
});
