import { describe, expect, it } from 'vitest';
import { centerCrop, points, shapes, type Dataset } from '../src/index.ts';

const length = 12;
const base = shapes({ length, size: 6 });

async function labelsAndPixels(dataset: Dataset): Promise<string[]> {
  const out: string[] = [];
  for (let i = 0; i < dataset.length; i++) {
    const { image, label, index } = await dataset.get(i);
    expect(index).toBe(i);
    out.push(`${label} ${image.data.join()}`);
  }
  return out;
}

const all = await labelsAndPixels(base);
const at = (...positions: number[]) => positions.map((i) => all[i]);

describe('views of a data set', () => {
  it('choose examples', async () => {
    expect(await labelsAndPixels(base.take(3))).toEqual(at(0, 1, 2));
    expect(await labelsAndPixels(base.skip(10).take(5))).toEqual(at(10, 11));
    expect(await labelsAndPixels(base.subset([5, 5, 0]))).toEqual(at(5, 5, 0));
    expect(await labelsAndPixels(base.take(2).repeat(3))).toEqual(at(0, 1, 0, 1, 0, 1));
    expect(await labelsAndPixels(base.shard({ index: 1, count: 5 }))).toEqual(at(1, 6, 11));
    expect(await labelsAndPixels(base.filter(({ label }) => label === 2))).toEqual(at(2, 6, 10));
    expect(await labelsAndPixels(base.filter(({ image }) => image.data.every((x) => x === 0)))).toEqual([]);
    expect([base.take(99).length, base.skip(99).length, base.repeat(0).length]).toEqual([12, 0, 0]);
  });

  it('shuffle by a seed, and compose', async () => {
    const shuffled = await labelsAndPixels(base.shuffle(7));
    expect(shuffled).not.toEqual(all);
    expect([...shuffled].sort()).toEqual([...all].sort());
    expect(await labelsAndPixels(base.shuffle({ seed: 7 }).take(4))).toEqual(shuffled.slice(0, 4));
    expect(await labelsAndPixels(base.skip(2).shuffle(1).shuffle(2).take(3).skip(1))).toHaveLength(2);
  });

  it('split into disjoint parts', async () => {
    const [train, valid, test] = base.split([0.5, 0.25, 0.25], { seed: 3 });
    expect([train!.length, valid!.length, test!.length]).toEqual([6, 3, 3]);
    const together = (await Promise.all([train!, valid!, test!].map(labelsAndPixels))).flat();
    expect(together.sort()).toEqual([...all].sort());
    expect(base.split([1 / 3, 1 / 3, 1 / 3], 0).map((part) => part.length)).toEqual([4, 4, 4]);
    expect(
      base
        .take(11)
        .split([0.5, 0.5], 0)
        .map((part) => part.length),
    ).toEqual([6, 5]);
    expect(base.split([7, 2], 0).map((part) => part.length)).toEqual([7, 2]);
    for (const parts of [[], [0.9, 0.2], [-1, 2], [7, 6]]) {
      expect(() => base.split(parts, 0)).toThrow(expect.objectContaining({ code: 'DATASETS_BAD_SPLIT' }) as Error);
    }
  });

  it('join and pair', async () => {
    const joined = base.take(2).concat(base.skip(11), base.take(1));
    expect(await labelsAndPixels(joined)).toEqual(at(0, 1, 11, 0));
    const { labels } = (await joined.batches({ batchSize: 4, as: 'array' }).next()).value!;
    expect([...labels!]).toEqual([0, 1, 3, 0]);
    const pairs = base.zip(base.skip(2)).shuffle(5);
    expect(pairs.length).toBe(10);
    const batch = (await pairs.batches({ batchSize: 10, as: 'array', shuffle: { seed: 1 } }).next()).value!;
    for (let i = 0; i < 10; i++) expect(batch.paired!.labels![i]).toBe((batch.labels![i]! + 2) % 4);
    const example = await pairs.get(3);
    expect(example.paired!.label).toBe(((example.label as number) + 2) % 4);
    const other = shapes({ length: 2, size: 6 }).map(({ label: _, ...rest }) => rest);
    expect((await other.get(0)).label).toBeUndefined();
    expect(() => base.concat(points({ length: 2 }))).not.toThrow();
    await expect(
      base
        .concat(points({ length: 2 }))
        .batches({ batchSize: 14, as: 'array' })
        .next(),
    ).rejects.toMatchObject({
      code: 'DATASETS_SHAPES_DIFFER',
    });
  });

  it('join pairs, with their steps', async () => {
    const pairs = base.zip(base.skip(2));
    const cropped = pairs.map(centerCrop(2));
    const marked = pairs.map((example) => ({ ...example, paired: { ...example.paired!, label: 9 } }));
    for (const [joined, label] of [
      [pairs.take(3).concat(pairs.skip(8)), 3],
      [cropped.take(3).concat(cropped.skip(8)), 3],
      [cropped.take(3).concat(pairs.skip(8).map(centerCrop(3)).map(centerCrop(2))), 3],
      [marked.take(3).concat(marked.skip(8)), 9],
    ] as const) {
      expect(joined.length).toBe(5);
      const example = await joined.get(4);
      expect([example.label, example.paired!.label]).toEqual([1, label]);
      const { paired, labels } = (await joined.batches({ batchSize: 5, as: 'array', shuffle: { seed: 1 } }).next())
        .value!;
      expect([...labels!].sort()).toEqual([0, 0, 1, 1, 2]);
      expect([...paired!.labels!].sort()).toEqual(label === 9 ? [9, 9, 9, 9, 9] : [0, 2, 2, 3, 3]);
    }
    expect(() => pairs.concat(base)).toThrow(expect.objectContaining({ code: 'DATASETS_PAIRS_DIFFER' }) as Error);
  });

  it('join parts of one source to a view of it, and others to a joined source', async () => {
    const [a, b] = base.split([5, 7], 1);
    const whole = a!.concat(b!);
    expect((await labelsAndPixels(whole)).sort()).toEqual([...all].sort());
    expect(await labelsAndPixels(whole.filter(({ index, image }) => index === 0 && image.data.length > 0))).toEqual(
      await labelsAndPixels(a!.take(1)),
    );
    const other = shapes({ length: 3, size: 6, seed: 4 });
    const joined = base.concat(other, base.take(1)).shuffle(3);
    expect((await labelsAndPixels(joined)).sort()).toEqual([...all, ...(await labelsAndPixels(other)), all[0]].sort());
  });

  it('map by functions and by transforms', async () => {
    const mapped = base.map(centerCrop(2)).map((example) => ({ ...example, label: 7 }));
    const batch = (await mapped.batches({ batchSize: 5, as: 'array', transform: centerCrop(1) }).next()).value!;
    expect([batch.shape, ...batch.labels!]).toEqual([[5, 1, 1, 3], 7, 7, 7, 7, 7]);
    expect((await mapped.get(1)).image.shape).toEqual([2, 2, 3]);
    const slow = base.map(async (example) => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      return example;
    });
    expect(await labelsAndPixels(slow.take(2))).toEqual(at(0, 1));
  });

  it('refuse positions and counts that are not there', async () => {
    for (const index of [-1, 12, 0.5, NaN]) {
      await expect(base.get(index)).rejects.toMatchObject({ code: 'DATASETS_OUT_OF_RANGE' });
    }
    expect(() => base.subset([0, 12])).toThrow('`indices[1]` is 12');
    const bad: [code: string, call: (set: Dataset) => unknown][] = [
      ['DATASETS_BAD_OPTION', (set) => set.take(-1)],
      ['DATASETS_BAD_OPTION', (set) => set.shard({ index: 5, count: 2 })],
      ['DATASETS_BAD_OPTION', (set) => set.shard({ index: -1, count: 2 })],
      ['DATASETS_BAD_OPTION', (set) => set.shard({ index: 0, count: 1.5 })],
      ['DATASETS_BAD_OPTION', (set) => set.shard({ index: 0, count: 0 })],
      ['DATASETS_BAD_OPTION', (set) => set.shard(undefined as never)],
      ['DATASETS_BAD_OPTION', (set) => set.shuffle(undefined as never)],
      ['DATASETS_BAD_OPTION', (set) => set.shuffle({} as never)],
      ['DATASETS_BAD_OPTION', (set) => set.shuffle(null as never)],
      ['DATASETS_BAD_OPTION', (set) => set.split([0.5, 0.5], undefined as never)],
      ['DATASETS_BAD_SPLIT', (set) => set.split(0.5 as never, 0)],
      ['DATASETS_BAD_OPTION', (set) => set.filter(undefined as never)],
      ['DATASETS_BAD_TRANSFORM', (set) => set.map(undefined as never)],
      ['DATASETS_BAD_TRANSFORM', (set) => set.map({ transform: 'rotate' } as never)],
    ];
    for (const [code, call] of bad) {
      expect(() => call(base), String(call)).toThrow(expect.objectContaining({ code }) as Error);
    }
  });
});
