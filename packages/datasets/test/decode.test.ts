import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
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

it('what is cut short is corrupt, and what is not read says so and is not skipped', async () => {
  for (const name of Object.keys(decoded)) {
    for (const length of [3, 20, fixture(name).length - 1]) {
      const cut = fixture(name).subarray(0, length);
      await expect(decodeImage(cut, name), `${name} ${length}`).rejects.toMatchObject({
        code: 'DATASETS_CORRUPT_IMAGE',
      });
    }
  }
  const packed = Buffer.from(fixture('grey.bmp'));
  packed.writeUInt32LE(1, 30);
  const code = 'DATASETS_UNSUPPORTED_IMAGE';
  for (const bytes of [packed, Buffer.from('P5 1 1 65535 ab'), Buffer.from('P3\n1 1 255\n1 2 3\n')]) {
    await expect(decodeImage(bytes, 'x')).rejects.toMatchObject({ code });
  }
  const root = mkdtempSync(join(tmpdir(), 'datasets-decode-'));
  writeFileSync(join(root, 'a.bmp'), packed);
  writeFileSync(join(root, 'b.bmp'), fixture('rgb.bmp'));
  const batches = (await imageFolder({ root })).batches({ batchSize: 2, as: 'array', corrupt: 'skip' });
  await expect(batches.next()).rejects.toThrow('a.bmp cannot be decoded. This is a BMP file packed by method 1');
  rmSync(root, { recursive: true });
});
