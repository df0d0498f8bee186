import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { check } from '../src/cli/check.ts';
import { decodeImage, imageFolder } from '../src/index.ts';

/** Made by tools/reference/datasets/files.py. */
const fixture = (name: string) => readFileSync(new URL(`fixtures/files/${name}`, import.meta.url));
const decoded = JSON.parse(fixture('decoded.json').toString()) as Record<string, number[]>;

it.each(Object.keys(decoded))("%s has Pillow's pixels", async (name) => {
  const { data, shape } = await decodeImage(fixture(name), name);
  expect([shape, [...data]]).toEqual([[3, 5, 3], decoded[name]]);
});

it('rows of a BMP with a negative height come from the top', async () => {
  const turned = Buffer.from(fixture('rgb.bmp'));
  turned.writeInt32LE(-3, 22);
  const rows = (numbers: ArrayLike<number>) => [0, 1, 2].map((y) => Array.from(numbers).slice(15 * y, 15 * y + 15));
  expect(rows((await decodeImage(turned, 'turned')).data)).toEqual(rows(decoded['rgb.bmp']!).reverse());
});

const packed = Buffer.from(fixture('grey.bmp'));
packed.writeUInt32LE(1, 30);

it('what is cut short is corrupt, and what is not read says so', async () => {
  for (const name of Object.keys(decoded)) {
    for (const length of [3, 20, fixture(name).length - 1]) {
      const cut = fixture(name).subarray(0, length);
      await expect(decodeImage(cut, name), `${name} ${length}`).rejects.toMatchObject({
        code: 'DATASETS_CORRUPT_IMAGE',
      });
    }
  }
  for (const bytes of [packed, Buffer.from('P5 1 1 65535 ab'), Buffer.from('P3\n1 1 255\n1 2 3\n')]) {
    await expect(decodeImage(bytes, 'x')).rejects.toMatchObject({ code: 'DATASETS_UNSUPPORTED_IMAGE' });
  }
});

it.each([0, 1])(
  'skips what is damaged and what is of a kind that is not read alike, with %i workers',
  async (workers) => {
    const root = mkdtempSync(join(tmpdir(), 'datasets-decode-'));
    writeFileSync(join(root, 'a.bmp'), packed);
    writeFileSync(join(root, 'b.bmp'), fixture('rgb.bmp'));
    writeFileSync(join(root, 'c.pgm'), 'P5 1 1 65535 ab');
    writeFileSync(join(root, 'd.pgm'), 'P5 9 9 255 ab');
    const folder = await imageFolder({ root });
    const run = folder.batches({ batchSize: 4, as: 'array', workers, corrupt: 'skip', epochs: 1 });
    const { value } = await run.next();
    expect([...value!.indices]).toEqual([1]);
    expect(value!.skipped!.map(({ index, reason }) => [index, reason])).toEqual([
      [0, expect.stringContaining('a.bmp cannot be decoded. This is a BMP file packed by method 1')],
      [2, expect.stringContaining('c.pgm cannot be decoded. This is a PNM file of values from 0 to 65535')],
      [3, expect.stringContaining('d.pgm cannot be decoded: it is cut short')],
    ]);
    await run.return();
    const asked = folder.batches({ batchSize: 4, as: 'array' });
    await expect(asked.next()).rejects.toMatchObject({ code: 'DATASETS_UNSUPPORTED_IMAGE' });
    expect((await check(folder)).corrupt).toHaveLength(3);
    rmSync(root, { recursive: true });
  },
);
