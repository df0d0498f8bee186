import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { sharedFile } from '@missing-u/test-utils';
import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import { cifar10, cifar100, emnist, fashionMnist, kmnist, npz, parquet, points, qmnist, shapes } from '../src/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'datasets-sets-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Made by tools/reference/datasets/files.py. */
const fixture = (name: string) => fileURLToPath(new URL(`fixtures/files/${name}`, import.meta.url));

/** The pictures of that program. */
function picture(i: number): number[] {
  const out: number[] = [];
  for (let y = 0; y < 32; y++) {
    for (let x = 0; x < 32; x++) out.push((x * 8 + i) % 256, (y * 8 + 3 * i) % 256, (x * y + 7 * i) % 256);
  }
  return out;
}

/** Four records of the binary version, with the given label bytes in front of each. */
function binary(labels: number[][]): Buffer {
  return Buffer.concat(
    labels.map((label, i) => {
      const pixels = picture(i);
      const planes = [0, 1, 2].flatMap((c) => Array.from({ length: 1024 }, (_, k) => pixels[3 * k + c]!));
      return Buffer.from([...label, ...planes]);
    }),
  );
}

describe('cifar10 and cifar100', () => {
  const place = (name: string, files: Record<string, Uint8Array>) => {
    const root = join(folder, name);
    mkdirSync(root, { recursive: true });
    for (const [file, bytes] of Object.entries(files)) {
      mkdirSync(join(root, file, '..'), { recursive: true });
      writeFileSync(join(root, file), bytes);
    }
    return root;
  };

  it.each([
    ['pickles', { 'cifar-10-batches-py/test_batch': readFileSync(fixture('cifar10_protocol2')) }],
    ['binaries', { 'cifar-10-batches-bin/test_batch.bin': binary([[3], [8], [8], [0]]) }],
    ['binaries in the root', { 'test_batch.bin': binary([[3], [8], [8], [0]]) }],
  ])('reads CIFAR-10 from %s', async (name, files) => {
    const test = await cifar10({ root: place(`10-${name}`, files), split: 'test' });
    expect([0, 1, 2, 3].map((i) => test.info.classes![test.labelOf(i) as number])).toEqual([
      'cat',
      'ship',
      'ship',
      'airplane',
    ]);
    for (let i = 0; i < 4; i++) expect([...(await test.get(i)).image.data]).toEqual(picture(i));
  });

  it.each([
    ['pickles', { 'cifar-100-python/train': readFileSync(fixture('cifar100_protocol4')) }],
    [
      'binaries',
      {
        'cifar-100-binary/train.bin': binary([
          [11, 19],
          [15, 29],
          [4, 0],
          [14, 11],
        ]),
      },
    ],
  ])('reads the fine labels of CIFAR-100 from %s', async (name, files) => {
    const train = await cifar100({ root: place(`100-${name}`, files), size: 16 });
    expect([0, 1, 2, 3].map((i) => train.info.classes![train.labelOf(i) as number])).toEqual([
      'cattle',
      'dinosaur',
      'apple',
      'boy',
    ]);
    expect((await train.get(0)).image.shape).toEqual([16, 16, 3]);
  });

  it('wants all five parts, whole, and runs no code', async () => {
    const part = binary([[1]]);
    const parts = (names: string[]) =>
      Object.fromEntries(names.map((name) => [`cifar-10-batches-bin/${name}.bin`, part]));
    const all = [1, 2, 3, 4, 5].map((i) => `data_batch_${i}`);
    expect((await cifar10({ root: place('five', parts(all)) })).length).toBe(5);
    await expect(cifar10({ root: place('four', parts(all.slice(0, 4))) })).rejects.toThrow('data_batch_5.bin');
    await expect(cifar10({ root: place('none', {}) })).rejects.toMatchObject({ code: 'DATASETS_MISSING_FILE' });
    const cut = place('cut', { 'test_batch.bin': part.subarray(0, 3000) });
    await expect(cifar10({ root: cut, split: 'test' })).rejects.toMatchObject({ code: 'DATASETS_TRUNCATED' });
    // os.system('touch …') as a pickle
    const evil = place('evil', { test_batch: Buffer.from(`cos\nsystem\n(S'touch ${join(folder, 'pwned')}'\ntR.`) });
    await expect(cifar10({ root: evil, split: 'test' })).rejects.toMatchObject({ code: 'WEIGHTS_UNSAFE_PICKLE' });
    expect(existsSync(join(folder, 'pwned'))).toBe(false);
    await expect(cifar10({ split: 'valid' as 'test' })).rejects.toMatchObject({ code: 'DATASETS_BAD_OPTION' });
  });

  const real = sharedFile('cifar10/cifar10_train_first100_1024x100.png');
  it.skipIf(!real)('has the published pictures (needs shared/data/cifar10)', async () => {
    const pixels = await sharp(real).removeAlpha().raw().toBuffer();
    const planes = (i: number) => {
      const row = pixels.subarray(i * 3072, (i + 1) * 3072);
      return [0, 1, 2].flatMap((c) => Array.from({ length: 1024 }, (_, k) => row[3 * k + c]!));
    };
    const root = place('real', {
      'test_batch.bin': Buffer.concat([...Array(100).keys()].map((i) => Buffer.from([6, ...planes(i)]))),
    });
    const { image } = await (await cifar10({ root, split: 'test' })).get(99);
    expect([...image.data]).toEqual([...pixels.subarray(99 * 3072, 3072 * 100)]);
  });
});

describe('npz and parquet', () => {
  it('read what numpy and the hub write', async () => {
    const samples = await npz({ file: fixture('samples.npz') });
    expect([samples.length, samples.labelOf(0), samples.labelOf(2)]).toEqual([3, 2, 1]);
    expect([...(await samples.get(1)).image.data]).toEqual(picture(1));
    const hub = await parquet({ files: [fixture('hub.parquet'), fixture('hub.parquet')] });
    expect([hub.length, hub.labelOf(5), hub.labelOf(9)]).toEqual([14, 2, 2]);
    for (const i of [0, 2, 3, 6, 7, 13]) expect([...(await hub.get(i)).image.data], `row ${i}`).toEqual(picture(i % 7));
    const seen: number[] = [];
    for await (const { indices } of hub.batches({ batchSize: 4, as: 'array', shuffle: { seed: 0 } }))
      seen.push(...indices);
    expect(seen.sort((a, b) => a - b)).toEqual([...Array(14).keys()]);
    await hub.close();
    const buffer = new Uint8Array(readFileSync(fixture('hub.parquet'))).buffer;
    expect((await (await parquet({ files: buffer, size: 8 })).get(6)).image.shape).toEqual([8, 8, 3]);
  });

  it('take whole numbers and names for labels, and refuse what would become a class by chance', async () => {
    const file = pathToFileURL(fixture('labels.parquet'));
    const open = (label: string | null) => parquet({ files: file, label });
    for (const [column, labels, classes] of [
      ['name', [1, 0, 1], ['cat', 'dog']],
      ['whole', [2, 0, 1], undefined],
      ['flag', [1, 0, 1], undefined],
      [null, [undefined, undefined, undefined], undefined],
    ] as const) {
      const set = await open(column);
      expect([[0, 1, 2].map((i) => set.labelOf(i)), set.info.classes]).toEqual([labels, classes]);
      await set.close();
    }
    for (const label of ['part', 'missing', 'unnamed', 'several', 'large']) {
      await expect(open(label), label).rejects.toMatchObject({ code: 'DATASETS_BAD_LABELS' });
    }
    await expect(open('missing')).rejects.toThrow("Column 'missing' is null in row 1");
    await expect(npz({ file: fixture('parts.npz') })).rejects.toMatchObject({ code: 'DATASETS_BAD_NPZ' });
    expect((await npz({ file: fixture('parts.npz'), labels: 'whole' })).labelOf(0)).toBe(1);
  });

  it('say what does not fit', async () => {
    await expect(npz({ file: fixture('samples.npz'), images: 'x' })).rejects.toThrow(
      "has no array 'x'; it has arr_0, arr_1",
    );
    await expect(npz({ file: fixture('samples.npz'), images: 'arr_1' })).rejects.toMatchObject({
      code: 'DATASETS_BAD_NPZ',
    });
    await expect(parquet({ files: fixture('hub.parquet'), image: 'img' })).rejects.toThrow("has no column 'img'");
    await expect(parquet({ files: fixture('samples.npz') })).rejects.toMatchObject({ code: 'DATASETS_NOT_PARQUET' });
    await expect(parquet({ files: join(folder, 'none.parquet') })).rejects.toMatchObject({
      code: 'DATASETS_MISSING_FILE',
    });
  });
});

describe('the rest of the MNIST family', () => {
  const idx = (type: number, sizes: number[], body: number[]) =>
    new Uint8Array([0, 0, type, sizes.length, ...sizes.flatMap((size) => [0, 0, 0, size]), ...body]);
  const images = idx(8, [2, 28, 28], new Array<number>(2 * 784).fill(9));

  it.each([
    ['KMNIST', kmnist, 'train', 'train-images-idx3-ubyte', 'train-labels-idx1-ubyte', 'ki'],
    ['EMNIST', emnist, 'test', 'emnist-balanced-test-images-idx3-ubyte', 'emnist-balanced-test-labels-idx1-ubyte', '1'],
  ] as const)('%s', async (name, open, split, imageFile, labelFile, first) => {
    const raw = join(folder, name, name, 'raw');
    mkdirSync(raw, { recursive: true });
    writeFileSync(join(raw, imageFile), images);
    writeFileSync(join(raw, labelFile), idx(8, [2], [1, 0]));
    const set = await open({ root: join(folder, name), split });
    expect(set.info.classes![set.labelOf(0) as number]).toBe(first);
  });

  it('QMNIST, whose labels are rows of eight numbers', async () => {
    const root = join(folder, 'qmnist');
    mkdirSync(root);
    writeFileSync(join(root, 'qmnist-test-images-idx3-ubyte'), images);
    const row = (label: number) => [label, 1, 2, 3, 4, 5, 6, 7].flatMap((value) => [0, 0, 0, value]);
    writeFileSync(join(root, 'qmnist-test-labels-idx2-int'), idx(0x0c, [2, 8], [...row(7), ...row(2)]));
    const set = await qmnist({ root, split: 'test', size: 14 });
    expect([set.labelOf(0), set.labelOf(1), (await set.get(0)).image.shape]).toEqual([7, 2, [14, 14, 1]]);
  });

  it('EMNIST has as many classes as its paper says', async () => {
    const counts = { byclass: 62, bymerge: 47, balanced: 47, letters: 27, digits: 10, mnist: 10 };
    const { emnistSet } = await import('../src/sets/more-mnists.ts');
    for (const [variant, count] of Object.entries(counts)) {
      expect(emnistSet(variant as keyof typeof counts).classes.length).toBe(count);
    }
    await expect(emnist({ variant: 'letter' as 'letters' })).rejects.toThrow("Did you mean 'letters'?");
  });

  const debian = '/usr/share/datasets/fashion-mnist';
  it.skipIf(!existsSync(debian))("Fashion-MNIST from Debian's package (needs dataset-fashion-mnist)", async () => {
    for (const [split, each] of [
      ['train', 6000],
      ['test', 1000],
    ] as const) {
      const set = await fashionMnist({ split });
      expect(set.info.verified).toBe(true);
      const counts = new Array<number>(10).fill(0);
      for (let i = 0; i < set.length; i++) counts[set.labelOf(i) as number]!++;
      expect(counts).toEqual(new Array(10).fill(each));
    }
  });
});

describe('made-up sets', () => {
  it('are the same for a seed, picture by picture', async () => {
    const [a, b, c] = [shapes({ length: 9, seed: 1 }), shapes({ length: 99, seed: 1 }), shapes({ length: 9, seed: 2 })];
    expect((await a.get(7)).image).toEqual((await b.get(7)).image);
    expect((await a.get(7)).image).not.toEqual((await c.get(7)).image);
    expect(a.info.classes![a.labelOf(2) as number]).toBe('triangle');
    expect((await shapes({ channels: 1, size: 8 }).get(0)).image.shape).toEqual([8, 8, 1]);
  });

  it('put points where they belong', async () => {
    const { images, labels, shape } = (await points({ length: 400 }).batches({ batchSize: 400, as: 'array' }).next())
      .value!;
    expect(shape).toEqual([400, 1, 1, 2]);
    for (let i = 0; i < 400; i++) {
      const angle = (labels![i]! * Math.PI) / 4;
      expect(Math.hypot(images[2 * i]! - 2 * Math.cos(angle), images[2 * i + 1]! - 2 * Math.sin(angle))).toBeLessThan(
        0.6,
      );
    }
    for (const kind of ['moons', 'spirals']) expect(points({ kind, length: 10 }).length).toBe(10);
    expect(() => points({ kind: 'moon' })).toThrow("Did you mean 'moons'?");
    expect(() => shapes({ length: -1 })).toThrow(expect.objectContaining({ code: 'DATASETS_BAD_OPTION' }) as Error);
  });
});
