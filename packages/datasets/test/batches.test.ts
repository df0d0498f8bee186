import { describe, expect, it } from 'vitest';
import { Dataset, type BatchOptions } from '../src/index.ts';
import { memorySource } from '../src/sources/memory.ts';
import { View } from '../src/view.ts';

/** 1x2x1 pictures: example i is [i, 255 - i] with label i mod 3. */
function numbered(length: number): Dataset {
  const data = Uint8Array.from({ length: 2 * length }, (_, i) => (i % 2 === 0 ? i / 2 : 255 - (i - 1) / 2));
  const labels = { data: Int32Array.from({ length }, (_, i) => i % 3), width: 1 };
  return new Dataset(new View({ source: memorySource(data, [1, 2, 1], 'numbers'), labels }), { name: 'numbers' });
}

async function indicesOf(dataset: Dataset, options: Omit<BatchOptions, 'as'>): Promise<number[][]> {
  const out: number[][] = [];
  for await (const { indices } of dataset.batches({ ...options, as: 'array' })) out.push([...indices]);
  return out;
}

describe('batches', () => {
  it('gives pictures, labels and positions that belong together', async () => {
    const batches = numbered(10).batches({ batchSize: 4, as: 'array', dtype: 'uint8', shuffle: { seed: 1 } });
    const seen: number[] = [];
    for await (const { images, shape, labels, indices } of batches) {
      expect(shape).toEqual([indices.length, 1, 2, 1]);
      indices.forEach((index, i) => {
        expect([images[2 * i], images[2 * i + 1], labels![i]]).toEqual([index, 255 - index, index % 3]);
      });
      seen.push(...indices);
    }
    expect(seen.sort((a, b) => a - b)).toEqual([...Array(10).keys()]);
  });

  it('scales to [-1, 1], or to the range asked for', async () => {
    const all = { batchSize: 256, as: 'array' } as const;
    const signed = (await numbered(256).batches(all).next()).value!;
    const unit = (
      await numbered(256)
        .batches({ ...all, range: [0, 1] })
        .next()
    ).value!;
    for (let i = 0; i < 256; i++) {
      expect(signed.images[2 * i]).toBe(Math.fround(-1 + (2 * i) / 255));
      expect(unit.images[2 * i + 1]).toBe(Math.fround((255 - i) / 255));
    }
  });

  it('keeps or drops the last batch, and goes through the epochs', async () => {
    expect(await indicesOf(numbered(5), { batchSize: 2 })).toEqual([[0, 1], [2, 3], [4]]);
    expect(await indicesOf(numbered(5), { batchSize: 2, dropLast: true, epochs: 2 })).toEqual([
      [0, 1],
      [2, 3],
      [0, 1],
      [2, 3],
    ]);
    expect(await indicesOf(numbered(5), { batchSize: 8, dropLast: true, epochs: Infinity })).toEqual([]);
    expect(await indicesOf(numbered(5), { batchSize: 2, epochs: 0 })).toEqual([]);
    expect(numbered(5).batches({ batchSize: 2 }).batchesPerEpoch).toBe(3);
    expect(numbered(5).batches({ batchSize: 2, dropLast: true }).batchesPerEpoch).toBe(2);
  });

  it('has a fixed order for each seed and epoch', async () => {
    const [first, second] = await indicesOf(numbered(8), { batchSize: 8, shuffle: { seed: 0 }, epochs: 2 });
    expect(first).not.toEqual(second);
    expect([...first!].sort()).toEqual([...second!].sort());
    expect(await indicesOf(numbered(8), { batchSize: 8, shuffle: { seed: 0 } })).toEqual([first]);
    expect(await indicesOf(numbered(8), { batchSize: 8, shuffle: { seed: 1 } })).not.toEqual([first]);
  });

  it('shares an epoch between shards without overlap', async () => {
    const options = { batchSize: 100, shuffle: { seed: 3 } };
    const shards = await Promise.all(
      [0, 1, 2].map((index) => indicesOf(numbered(10), { ...options, shard: { index, count: 3 } })),
    );
    expect(shards.map((batches) => batches[0]!.length)).toEqual([4, 3, 3]);
    expect(shards.flat(2).sort((a, b) => a - b)).toEqual([...Array(10).keys()]);
  });

  it('continues with the very next example, in another object and with another batch size', async () => {
    const options = { shuffle: { seed: 5 }, epochs: 3, as: 'array' } as const;
    const whole = (await indicesOf(numbered(7), { ...options, batchSize: 7 })).flat();
    for (const taken of [0, 1, 2, 4, 6]) {
      const first = numbered(7).batches({ ...options, batchSize: 3 });
      const seen: number[] = [];
      for (let i = 0; i < taken; i++) seen.push(...(await first.next()).value!.indices);
      const state = JSON.parse(JSON.stringify(first.state()));
      await first.return();
      const second = numbered(7).batches({ ...options, batchSize: 2 });
      await second.restore(state);
      for await (const { indices } of second) seen.push(...indices);
      expect(seen).toEqual(whole);
    }
  });

  it('keeps its place when a loop is left, begins anew after the end, and stays ended for a restored end', async () => {
    const batches = numbered(6).batches({ batchSize: 2, as: 'array' });
    const seen: number[][] = [];
    for await (const { indices } of batches) {
      seen.push([...indices]);
      break;
    }
    for await (const { indices } of batches) seen.push([...indices]);
    expect(seen).toEqual([
      [0, 1],
      [2, 3],
      [4, 5],
    ]);
    const end = batches.state();
    expect((await batches.next()).done).toBe(true);
    let again = 0;
    for await (const _ of batches) again++;
    expect(again).toBe(3);
    await batches.restore(end);
    for await (const _ of batches) again++;
    expect(again).toBe(3);
  });

  it('refuses states of another order, and bad options', async () => {
    const state = numbered(6)
      .batches({ batchSize: 2, shuffle: { seed: 1 } })
      .state();
    await expect(numbered(6).batches({ batchSize: 2 }).restore(state)).rejects.toMatchObject({
      code: 'DATASETS_BAD_STATE',
    });
    await expect(
      numbered(6)
        .batches({ batchSize: 2 })
        .restore({} as typeof state),
    ).rejects.toMatchObject({
      code: 'DATASETS_BAD_STATE',
    });
    for (const wrong of [null, 'state', { ...state, position: 6 }, { ...state, position: 1e6 }]) {
      const batches = numbered(6).batches({ batchSize: 2, shuffle: { seed: 1 } });
      await expect(batches.restore(wrong as typeof state)).rejects.toMatchObject({ code: 'DATASETS_BAD_STATE' });
    }
    const bad: Partial<Record<keyof BatchOptions, unknown>>[] = [
      { batchSize: 0 },
      { epochs: 1.5 },
      { prefetch: -1 },
      { workers: NaN },
      { shuffle: true },
      { shard: { index: 2, count: 2 } },
      { as: 'tensors' },
      { dtype: 'float16' },
      { range: [0, Infinity] },
      { corrupt: 'ignore' },
      { transform: 'flip' },
      { transform: [{ transform: 'toString' }] },
      { transform: [undefined] },
      { shard: null },
    ];
    for (const options of bad) {
      const call = () => numbered(2).batches({ batchSize: 1, ...options } as BatchOptions);
      expect(call, JSON.stringify(options)).toThrow(expect.objectContaining({ code: 'DATASETS_BAD_OPTION' }) as Error);
    }
    expect(() => numbered(2).batches(undefined as never)).toThrow('`options` is undefined');
    expect(() => numbered(2).batches({ batchSize: 1, shufle: {} } as never)).toThrow("Did you mean 'shuffle'?");
  });

  it('reports the failure of a function where it belongs, and can go on from there', async () => {
    let fail = true;
    const dataset = numbered(6).map((example) => {
      if (fail && example.index === 3) throw new Error('no');
      return example;
    });
    const batches = dataset.batches({ batchSize: 2, as: 'array', prefetch: 3 });
    expect([...(await batches.next()).value!.indices]).toEqual([0, 1]);
    await expect(batches.next()).rejects.toThrow('no');
    fail = false;
    expect([...(await batches.next()).value!.indices]).toEqual([2, 3]);
  });

  it('can go on from a batch that failed on its way out', async () => {
    let floats = true;
    const dataset = numbered(4).map((example) => {
      if (!floats) return example;
      return { ...example, image: { ...example.image, data: Float32Array.from(example.image.data) } };
    });
    const batches = dataset.batches({ batchSize: 2, as: 'array', dtype: 'uint8', prefetch: 0 });
    await expect(batches.next()).rejects.toMatchObject({ code: 'DATASETS_NOT_BYTES' });
    expect(batches.state()).toMatchObject({ epoch: 0, position: 0 });
    floats = false;
    expect([...(await batches.next()).value!.indices]).toEqual([0, 1]);
  });
});
