import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Dataset, imageFolder, openPack, pack, shapes } from '../src/index.ts';
import type { Source } from '../src/sources/source.ts';
import { View } from '../src/view.ts';

const folder = mkdtempSync(join(tmpdir(), 'datasets-life-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Threads of this process, and files of the folder that it holds open (Linux). */
function held(): { threads: number; files: string[] } {
  const files = readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      return [];
    }
  });
  return { threads: readdirSync('/proc/self/task').length, files: files.filter((file) => file.startsWith(folder)) };
}

beforeAll(async () => {
  for (let i = 0; i < 8; i++) {
    const background = { r: 30 * i, g: 0, b: 0 };
    const picture = sharp({ create: { width: 8, height: 8, channels: 3, background } });
    writeFileSync(join(folder, `${i}.jpg`), await picture.jpeg().toBuffer());
  }
});

describe.skipIf(process.platform !== 'linux')('after a loop (looks into /proc)', () => {
  it('no worker and no file is left, whether it ended, was left or failed', async () => {
    const dataset = await imageFolder({ root: folder });
    const options = { batchSize: 2, as: 'array', workers: 2 } as const;
    const before = held();
    for await (const _ of dataset.batches(options)) void 0;
    expect(held()).toEqual(before);
    for await (const _ of dataset.batches(options)) break;
    expect(held()).toEqual(before);
    await expect(async () => {
      for await (const _ of dataset.batches(options)) throw new Error('consumer');
    }).rejects.toThrow('consumer');
    expect(held()).toEqual(before);
    const failing = dataset.map(() => {
      throw new Error('step');
    });
    await expect(failing.batches(options).next()).rejects.toThrow('step');
    expect(held()).toEqual(before);
  });

  it('of a pack, the file is held until close', async () => {
    const file = join(folder, 'x.pack');
    await pack(shapes({ length: 10, size: 4 }), file);
    const packed = await openPack(file);
    expect(held().files).toEqual([]);
    await packed.get(0);
    expect(held().files).toEqual([file]);
    await packed.close();
    expect(held().files).toEqual([]);
  });
});

it('workers without a task do not keep the process alive', async () => {
  const alive = () => process.getActiveResourcesInfo().filter((name) => /worker|port/i.test(name));
  const before = alive();
  const batches = (await imageFolder({ root: folder })).take(2).batches({ batchSize: 2, as: 'array', workers: 2 });
  await batches.next();
  expect(alive()).toEqual(before);
  await batches.return();
});

it('memory stays bounded: 1.5 GB of float images pass through less than 300 MB', async () => {
  const picture = { data: new Uint8Array(64 * 64 * 3), shape: [64, 64, 3] } as const;
  const source: Source = {
    length: 30_000,
    shape: picture.shape,
    peek: () => picture,
    load: () => Promise.resolve({ image: picture }),
    nameOf: String,
    close: () => Promise.resolve(),
  };
  const dataset = new Dataset(new View({ source }), { name: 'blank' });
  const base = process.memoryUsage().rss;
  let most = 0;
  let count = 0;
  for await (const { indices } of dataset.batches({ batchSize: 128, as: 'array' })) {
    count += indices.length;
    most = Math.max(most, process.memoryUsage().rss);
  }
  expect(count).toBe(30_000);
  expect((most - base) / 1e6).toBeLessThan(300);
});
