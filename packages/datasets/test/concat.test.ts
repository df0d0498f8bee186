import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { cache, imageFolder, randomFlip, type Dataset } from '../src/index.ts';
import { WorkerPool } from '../src/workers/pool.ts';

const folder = mkdtempSync(join(tmpdir(), 'datasets-concat-'));
afterAll(() => rmSync(folder, { recursive: true }));

beforeAll(async () => {
  for (const [i, name] of ['a', 'a', 'a', 'b', 'b'].entries()) {
    mkdirSync(join(folder, name), { recursive: true });
    const background = { r: 40 * i, g: 0, b: 0 };
    const picture = sharp({ create: { width: 9 + i, height: 8, channels: 3, background } });
    writeFileSync(join(folder, name, `${i}.jpg`), await picture.jpeg().toBuffer());
  }
});

async function batchOf(dataset: Dataset, workers: number) {
  const batches = dataset.batches({ batchSize: 4, as: 'array', workers, shuffle: { seed: 2 } });
  const { value } = await batches.next();
  await batches.return();
  return value!;
}

describe('joined folders of pictures', () => {
  it('are read by workers where the same is done to all, and give the same batches', async () => {
    const [a, b] = [
      await imageFolder({ root: join(folder, 'a'), size: 4 }),
      await imageFolder({ root: join(folder, 'b'), size: 4 }),
    ];
    const asked = vi.spyOn(WorkerPool.prototype, 'run');
    const joined = a
      .skip(1)
      .concat(b)
      .map(randomFlip({ seed: 1 }));
    expect(joined.length).toBe(4);
    expect(await batchOf(joined, 1)).toEqual(await batchOf(joined, 0));
    expect(asked).toHaveBeenCalledOnce();
    // The names that messages have are those of the files.
    expect(asked.mock.calls[0]![1].names.toSorted()).toEqual(
      [1, 2, 3, 4].map((i) => `${folder}/${i < 3 ? 'a' : 'b'}/${i}.jpg`),
    );
    const pairs = await batchOf(joined.zip(a.concat(b)), 1);
    expect(pairs).toEqual(await batchOf(joined.zip(a.concat(b)), 0));
    expect(asked).toHaveBeenCalledTimes(3);
    const unlike = a.concat(b.map(randomFlip({ seed: 1 })));
    expect(await batchOf(unlike, 1)).toEqual(await batchOf(unlike, 0));
    expect(asked).toHaveBeenCalledTimes(3);
    await joined.close();
  });
});

it('leaves out both of a pair where one is corrupt, with workers and without', async () => {
  const place = join(folder, 'damaged');
  cpSync(join(folder, 'a'), place, { recursive: true });
  writeFileSync(join(place, '1.jpg'), 'no picture');
  const [whole, damaged] = [
    await imageFolder({ root: join(folder, 'a'), size: 4 }),
    await imageFolder({ root: place, size: 4 }),
  ];
  const inMemory = await cache(whole);
  for (const pairs of [whole.zip(damaged), whole.map((example) => example).zip(damaged), inMemory.zip(damaged)]) {
    for (const workers of [0, 1]) {
      const options = { batchSize: 3, as: 'array', corrupt: 'skip', workers } as const;
      const batches = pairs.batches(options);
      const { indices, images, paired, skipped } = (await batches.next()).value!;
      await batches.return();
      expect([[...indices], [...paired!.indices], skipped!.map(({ index }) => index)]).toEqual([[0, 2], [0, 2], [1]]);
      expect(paired!.images).toEqual(images);
    }
  }
});
