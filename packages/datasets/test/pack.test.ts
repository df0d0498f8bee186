import type { fork } from 'node:child_process';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { cache, Dataset, openPack, pack, shapes } from '../src/index.ts';
import { writeAtomically } from '../src/files/atomic.ts';
import { memorySource } from '../src/sources/memory.ts';
import { View } from '../src/view.ts';

const folder = mkdtempSync(join(tmpdir(), 'datasets-pack-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function bytesOf(dataset: Dataset, shuffle?: { seed: number }): Promise<number[][]> {
  const out: number[][] = [];
  const options = { batchSize: 7, as: 'array', dtype: 'uint8', ...(shuffle && { shuffle }) } as const;
  for await (const { images, labels, indices } of dataset.batches(options)) {
    out.push([...images], [...(labels ?? [])], [...indices]);
  }
  return out;
}

describe('pack and cache', () => {
  it('keep pictures, labels and names, and give the same batches', async () => {
    const original = shapes({ length: 50, size: 9 });
    const file = join(folder, 'shapes.pack');
    const seen: number[] = [];
    await pack(original, file, { onProgress: ({ done, total }) => seen.push(done, total) });
    expect(seen.at(-1)).toBe(50);
    const packed = await openPack(file);
    const cached = await cache(original);
    for (const copy of [packed, cached]) {
      expect([copy.length, copy.info.classes]).toEqual([50, original.info.classes]);
      expect(await bytesOf(copy)).toEqual(await bytesOf(original));
      expect(await bytesOf(copy, { seed: 3 })).toEqual(await bytesOf(original, { seed: 3 }));
      expect((await copy.get(13)).image).toEqual((await original.get(13)).image);
    }
    await packed.close();
    await expect(packed.get(0)).rejects.toMatchObject({ code: 'DATASETS_CLOSED' });
  });

  it('refuse pictures of different sizes and floats', async () => {
    const sizes = shapes({ length: 600, size: 4 }).map((example) =>
      example.index < 300 ? example : { ...example, image: { data: new Uint8Array(3), shape: [1, 1, 3] } },
    );
    await expect(pack(sizes, join(folder, 'sizes.pack'))).rejects.toMatchObject({ code: 'DATASETS_SHAPES_DIFFER' });
    const floats = shapes({ length: 5, size: 1 }).map((example) => ({
      ...example,
      image: { data: new Float32Array(3), shape: [1, 1, 3] },
    }));
    await expect(cache(floats)).rejects.toMatchObject({ code: 'DATASETS_NOT_BYTES' });
    expect(readdirSync(folder).filter((name) => name.startsWith('sizes'))).toEqual([]);
  });

  it('keep the labels that `map` made, whatever the source had', async () => {
    const wider = shapes({ length: 5, size: 2 }).map((example) => ({
      ...example,
      label: Int32Array.of(1, 2, example.index),
    }));
    const names = ['a', 'b', 'c'];
    const labels = { data: Int32Array.from({ length: 15 }, (_, i) => i), width: 3, names };
    const source = memorySource(new Uint8Array(5), [1, 1, 1], 'named');
    const named = new Dataset(new View({ source, labels }), { name: 'named' });
    const narrower = named.map((example) => ({ ...example, label: (example.label as Int32Array)[2]! }));
    const file = join(folder, 'labels.pack');
    for (const [original, third, kept] of [
      [wider, Int32Array.of(1, 2, 2), undefined],
      [narrower, 8, undefined],
      [named, Int32Array.of(6, 7, 8), names],
    ] as const) {
      await pack(original, file);
      for (const copy of [await cache(original), await openPack(file)]) {
        expect([copy.labelOf(2), (await copy.get(2)).label, copy.labelNames]).toEqual([third, third, kept]);
        expect(await bytesOf(copy)).toEqual(await bytesOf(original));
        await copy.close();
      }
    }
  });

  it('keep pairs in memory, and refuse them in a file', async () => {
    const pairs = shapes({ length: 5, size: 2 })
      .zip(shapes({ length: 5, size: 3, seed: 5 }).skip(1))
      .map((example) => ({ ...example, paired: { ...example.paired!, label: 10 + example.index } }));
    const cached = await cache(pairs);
    expect(await cached.get(2)).toEqual(await pairs.get(2));
    const all = { batchSize: 4, as: 'array', shuffle: { seed: 1 } } as const;
    expect((await cached.batches(all).next()).value).toEqual((await pairs.batches(all).next()).value);
    await expect(pack(pairs, join(folder, 'pairs.pack'))).rejects.toMatchObject({ code: 'DATASETS_PAIRED' });
    expect(existsSync(join(folder, 'pairs.pack'))).toBe(false);
    for (const length of [4, 258]) {
      const some = shapes({ length, size: 1 })
        .zip(shapes({ length, size: 1 }))
        .map(({ paired, ...rest }) => (rest.index < Math.min(256, length - 1) ? { ...rest, paired: paired! } : rest));
      await expect(cache(some)).rejects.toMatchObject({ code: 'DATASETS_PAIRS_DIFFER' });
    }
  });

  it('refuse labels of several widths', async () => {
    for (const length of [20, 300]) {
      const varied = shapes({ length, size: 1 }).map((example) =>
        example.index < Math.min(256, length - 1)
          ? { ...example, label: 1 }
          : { ...example, label: Int32Array.of(1, 2) },
      );
      await expect(cache(varied)).rejects.toMatchObject({ code: 'DATASETS_LABELS_DIFFER' });
      await expect(pack(varied, join(folder, 'varied.pack'))).rejects.toMatchObject({ code: 'DATASETS_LABELS_DIFFER' });
    }
    const some = shapes({ length: 4, size: 1 }).map(({ label, ...rest }) =>
      rest.index === 0 ? { ...rest, label: label! } : rest,
    );
    await expect(cache(some)).rejects.toThrow('has 0 numbers, but the batch began with 1');
  });

  it('never take half a file for a whole one', async () => {
    const file = join(folder, 'cut.pack');
    for (const length of [0, 100, 4096, 4096 + 500]) {
      await pack(shapes({ length: 20, size: 8 }), file);
      truncateSync(file, length);
      await expect(openPack(file)).rejects.toMatchObject({ name: 'DatasetError' });
    }
    writeFileSync(file, 'something else');
    await expect(openPack(file)).rejects.toMatchObject({ code: 'DATASETS_NOT_PACK' });
    await expect(openPack(join(folder, 'none.pack'))).rejects.toMatchObject({ code: 'DATASETS_MISSING_FILE' });
  });

  it('leave nothing behind when the disk is full', async () => {
    const file = join(folder, 'full.pack');
    const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC', syscall: 'write' });
    await expect(writeAtomically(file, () => Promise.reject(full))).rejects.toMatchObject({
      code: 'DATASETS_CANNOT_WRITE',
      message: expect.stringContaining('the disk is full') as string,
    });
    expect(readdirSync(folder).filter((name) => name.startsWith('full'))).toEqual([]);
    await expect(pack(shapes({ length: 5 }), join(folder, 'nowhere/x.pack'))).rejects.toMatchObject({
      code: 'DATASETS_CANNOT_WRITE',
    });
  });
});

/** Packs in a process of its own: a small program that runs the sources. */
function packer(file: string, length: number) {
  const program = join(import.meta.dirname, 'pack-program.ts');
  return spawn(
    process.execPath,
    ['--import', 'tsx', '--conditions', '@missing-u/source', program, file, String(length)],
    {
      cwd: join(import.meta.dirname, '..'),
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
}

function ended(child: ReturnType<typeof fork>): Promise<number | null> {
  return new Promise((resolve) => child.once('exit', (code) => resolve(code)));
}

describe('packing in processes', () => {
  it('survives kill -9 half-way: no file, and a second run is whole', { timeout: 60_000 }, async () => {
    const file = join(folder, 'killed.pack');
    const child = packer(file, 1_000_000);
    await new Promise((resolve) => child.stdout.once('data', resolve));
    child.kill('SIGKILL');
    await ended(child);
    expect(existsSync(file)).toBe(false);
    expect(readdirSync(folder).some((name) => name.startsWith('killed.pack.') && name.endsWith('.tmp'))).toBe(true);
    expect(await ended(packer(file, 300))).toBe(0);
    expect((await openPack(file)).length).toBe(300);
  });

  it('of one file at once end with a whole file', { timeout: 60_000 }, async () => {
    const file = join(folder, 'both.pack');
    expect(await Promise.all([ended(packer(file, 2000)), ended(packer(file, 2000))])).toEqual([0, 0]);
    const alone = join(folder, 'alone.pack');
    await pack(shapes({ length: 2000, size: 16 }), alone);
    expect(readFileSync(file).equals(readFileSync(alone))).toBe(true);
  });
});
