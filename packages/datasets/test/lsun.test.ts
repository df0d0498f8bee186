import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { sharedFile } from '@missing-u/test-utils';
import { afterAll, describe, expect, it } from 'vitest';
import { lsun } from '../src/index.ts';
import { withFile } from '../src/files/random-access.ts';
import { indexLmdb, keyOf } from '../src/formats/lmdb.ts';
import { openStore } from '../src/sources/store.ts';
import { openLmdbIndex } from '../src/sets/lmdb-index.ts';

const folder = mkdtempSync(join(tmpdir(), 'datasets-lsun-'));
afterAll(() => rmSync(folder, { recursive: true }));

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** Made by tools/reference/datasets/lsun.py with Python's lmdb, Pillow and torchvision. */
const reference = JSON.parse(readFileSync(new URL('fixtures/lsun.json', import.meta.url), 'utf8')) as Record<
  string,
  [key: string, value: string, pixels: string, resized: string][]
>;

const manifestFile = sharedFile('lsun-format-fixture/manifest.json');
const root = manifestFile === undefined ? '' : dirname(manifestFile);

describe.skipIf(!manifestFile)('lsun (needs shared/data/lsun-format-fixture)', () => {
  it('finds every value of the manifest, in the order of a cursor', async () => {
    const manifest = JSON.parse(readFileSync(manifestFile!, 'utf8')) as Record<
      string,
      { entries: { key: string; bytes: number; sha256: string }[] }
    >;
    for (const [name, count] of [
      ['photos_val', 8],
      ['faces_train', 200],
    ] as const) {
      const file = join(root, `${name}_lmdb`, 'data.mdb');
      const index = await withFile(file, indexLmdb);
      expect(index.starts.length).toBe(count);
      const store = openStore({ kind: 'ranges', file, starts: index.starts, sizes: index.sizes });
      const listed = new Map(manifest[`${name}_lmdb`]!.entries.map((entry) => [entry.key, entry]));
      reference[name]!.forEach(([key, value], row) => {
        expect(keyOf(index, row)).toBe(key);
        const bytes = store.read(row);
        expect(sha256(bytes)).toBe(value);
        // Of the faces, the manifest lists the first ones.
        const entry = listed.get(key);
        if (entry !== undefined) expect([bytes.length, sha256(bytes)]).toEqual([entry.bytes, entry.sha256]);
      });
      store.close();
    }
  });

  it.each([0, 2])("decodes and resizes to Pillow's and torchvision's bytes, with %i workers", async (workers) => {
    const whole = await lsun({ root, classes: ['photos_val'] });
    const small = await lsun({ root, classes: ['photos_val', 'faces_train'], size: 64 });
    expect([whole.length, small.length]).toEqual([8, 208]);
    expect(small.info.classes).toEqual(['photos_val', 'faces_train']);
    const expected = [...reference['photos_val']!, ...reference['faces_train']!];
    for (let i = 0; i < whole.length; i++) {
      expect(sha256((await whole.get(i)).image.data as Uint8Array), `photo ${i}`).toBe(expected[i]![2]);
    }
    const batches = small.batches({ batchSize: 50, as: 'array', dtype: 'uint8', workers, shuffle: { seed: 4 } });
    let seen = 0;
    for await (const { images, indices, labels } of batches) {
      indices.forEach((index, i) => {
        expect(sha256(images.subarray(i * 12288, (i + 1) * 12288)), `picture ${index}`).toBe(expected[index]![3]);
        expect(labels![i]).toBe(index < 8 ? 0 : 1);
        seen++;
      });
    }
    expect(seen).toBe(208);
    await whole.close();
    await small.close();
  });

  it('opens a database itself, and names what is not there', async () => {
    expect((await lsun({ root: join(root, 'faces_train_lmdb') })).info.classes).toEqual(['faces_train']);
    await expect(lsun({ root })).rejects.toMatchObject({ code: 'DATASETS_MISSING_FILE' });
    await expect(lsun({ root, classes: 'train' })).rejects.toThrow('bedroom_train_lmdb');
  });

  it('refuses a database that is cut short or something else, wherever the cut is', async () => {
    const file = join(folder, 'data.mdb');
    const { size } = statSync(join(root, 'photos_val_lmdb/data.mdb'));
    for (const length of [0, 100, 4096, 8192, 12288, size >> 1, size - 4096]) {
      cpSync(join(root, 'photos_val_lmdb/data.mdb'), file);
      truncateSync(file, length);
      await expect(lsun({ root: folder }), `cut at ${length}`).rejects.toMatchObject({
        code: expect.stringMatching(/^DATASETS_(TRUNCATED|NOT_LMDB)$/) as string,
      });
    }
    writeFileSync(file, new Uint8Array(20000).fill(7));
    await expect(lsun({ root: folder })).rejects.toMatchObject({ code: 'DATASETS_NOT_LMDB' });
  });

  it('never crashes on a damaged database', async () => {
    const whole = readFileSync(join(root, 'photos_val_lmdb/data.mdb'));
    const file = join(folder, 'data.mdb');
    for (let trial = 0; trial < 60; trial++) {
      const bytes = Buffer.from(whole);
      for (let k = 0; k < 4; k++) bytes[(trial * 7919 + k * 104729) % 12288]! ^= 1 << ((trial + k) % 8);
      writeFileSync(file, bytes);
      const error = await withFile(file, indexLmdb).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      if (error !== undefined) expect(error).toMatchObject({ name: 'DatasetError' });
    }
  });

  it('keeps an index beside a large database, and uses it only for the state it was made of', async () => {
    const place = join(folder, 'kept');
    cpSync(join(root, 'faces_train_lmdb'), place, { recursive: true });
    const file = join(place, 'data.mdb');
    const kept = join(place, 'missing-u.index');
    const first = await openLmdbIndex(file, { keep: 1 });
    expect(existsSync(kept)).toBe(true);
    expect(await openLmdbIndex(file, { keep: 1 })).toEqual(first);
    const bytes = readFileSync(kept);
    for (const spoil of [Buffer.alloc(0), bytes.subarray(0, 500), Buffer.concat([bytes, Buffer.from([0])])]) {
      writeFileSync(kept, spoil);
      expect(await openLmdbIndex(file, { keep: 1 })).toEqual(first);
    }
    const forged = Buffer.from(bytes);
    forged[forged.length - 1]! ^= 1;
    writeFileSync(kept, forged);
    expect(await openLmdbIndex(file, { keep: 1 })).toEqual(first);
  });
});
