import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DatasetError } from '../src/errors.ts';
import { obtain, openObtained, type Obtainable } from '../src/files/obtain.ts';
import { unpack } from '../src/files/unpack.ts';
import { mnist } from '../src/index.ts';
import { writeTar } from './tar-writer.ts';
import { writeZip } from './zip-writer.ts';

const folder = mkdtempSync(join(tmpdir(), 'datasets-download-'));
const files = new Map<string, Buffer>();
let requests: string[] = [];
const server = createServer((request, response) => {
  requests.push(request.url!);
  const file = files.get(request.url!);
  if (file === undefined) response.writeHead(404).end();
  else response.writeHead(200, { 'content-length': file.length }).end(file);
});
let host = '';

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  host = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

const md5 = (bytes: Buffer) => createHash('md5').update(bytes).digest('hex');
const archive = gzipSync(
  writeTar([
    ['set/a', Buffer.from('one')],
    ['set/deep/b', Buffer.from('two')],
  ]),
);

function setOf(publications: Obtainable['publications']): Obtainable {
  return { name: 'Test', places: () => [], publications };
}

describe('obtain', () => {
  const options = { cacheDir: join(folder, 'cache'), retries: 0 };

  it('fetches from the first mirror that has the file, unpacks, and does nothing the second time', async () => {
    files.set('/plain', Buffer.from('plain')).set('/set.tar.gz', archive);
    const set = setOf([
      { urls: [`${host}/gone`, `${host}/plain`], md5: md5(Buffer.from('plain')), to: 'Test/raw/plain' },
      { urls: [`${host}/set.tar.gz`], md5: md5(archive), to: 'Test/unpacked', unpack: 'set' },
    ]);
    const root = join(folder, 'root');
    const location = await openObtained(set, { root, download: options }, async (place) => {
      if ((await place.read('Test/unpacked/a')) !== undefined) return place.location;
      throw new DatasetError('DATASETS_MISSING_FILE', 'not yet');
    });
    expect(location).toBe(root);
    expect(readFileSync(join(root, 'Test/raw/plain'), 'utf8')).toBe('plain');
    expect(readFileSync(join(root, 'Test/unpacked/deep/b'), 'utf8')).toBe('two');
    expect(readdirSync(join(root, 'Test'))).toEqual(['raw', 'unpacked']);
    requests = [];
    await obtain(set, root, options);
    expect(requests).toEqual([]);
  });

  it('leaves nothing in place of a file with a wrong checksum or of a web page about a quota', async () => {
    files
      .set('/wrong', Buffer.from('other'))
      .set('/quota', Buffer.from('<!doctype html><title>Google Drive - Quota exceeded</title>'));
    const root = join(folder, 'bad');
    const wrong = setOf([{ urls: [`${host}/wrong`], md5: md5(Buffer.from('right')), to: 'x' }]);
    await expect(obtain(wrong, root, options)).rejects.toMatchObject({ code: 'WEIGHTS_CHECKSUM' });
    const quota = setOf([{ urls: [`${host}/quota`], to: 'y' }]);
    await expect(obtain(quota, root, options)).rejects.toMatchObject({ code: 'WEIGHTS_QUOTA' });
    const offline = setOf([{ urls: [`${host}/plain2`], to: 'z' }]);
    await expect(obtain(offline, root, { ...options, offline: true })).rejects.toMatchObject({
      code: 'WEIGHTS_OFFLINE',
    });
    expect(existsSync(root)).toBe(false);
  });

  it('several times at once puts one whole file in place', async () => {
    files.set('/shared', Buffer.from('shared'));
    const set = setOf([{ urls: [`${host}/shared`], to: 'raw/shared' }]);
    const root = join(folder, 'at-once');
    await Promise.all([0, 1, 2, 3].map(() => obtain(set, root, options)));
    expect(readdirSync(join(root, 'raw'))).toEqual(['shared']);
    expect(readFileSync(join(root, 'raw/shared'), 'utf8')).toBe('shared');
  });

  it('names what it cannot write, and leaves nothing behind', async () => {
    files.set('/file', Buffer.from('file'));
    const root = join(folder, 'taken');
    mkdirSync(root);
    writeFileSync(join(root, 'raw'), 'a file where a folder is needed');
    const set = setOf([{ urls: [`${host}/file`], to: 'raw/file' }]);
    await expect(obtain(set, root, options)).rejects.toMatchObject({ code: 'DATASETS_CANNOT_WRITE' });
    expect(readdirSync(root)).toEqual(['raw']);
  });

  it('fetches nothing that is there in another layout', async () => {
    const root = join(folder, 'plain-mnist');
    mkdirSync(root);
    writeFileSync(
      join(root, 't10k-images-idx3-ubyte'),
      Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 7),
    );
    writeFileSync(join(root, 't10k-labels-idx1-ubyte'), Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 1, 4));
    const download = { ...options, offline: true };
    const dataset = await mnist({ root, split: 'test', size: 28, download });
    expect([dataset.length, dataset.labelOf(0)]).toEqual([1, 4]);
    await expect(mnist({ root, split: 'train', download })).rejects.toMatchObject({ code: 'WEIGHTS_OFFLINE' });
  });

  it('of MNIST without a network says so', async () => {
    const fetch = () => Promise.reject(new TypeError('fetch failed'));
    const download = { ...options, fetch };
    await expect(mnist({ root: join(folder, 'mnist'), download })).rejects.toMatchObject({ code: 'WEIGHTS_NETWORK' });
  });
});

describe('unpack', () => {
  it('refuses entries that climb out, before it writes anything', async () => {
    const evil = join(folder, 'evil');
    for (const name of ['../out', 'set/../../out', '/tmp/out', 'C:\\out', 'set\\..\\..\\out']) {
      for (const bytes of [writeTar([[name, Buffer.from('x')]]), writeZip([[name, Buffer.from('x')]])]) {
        writeFileSync(evil, bytes);
        await expect(unpack(evil, 'set', join(folder, 'target'))).rejects.toMatchObject({
          code: 'DATASETS_UNSAFE_ARCHIVE',
        });
      }
    }
    expect(existsSync(join(folder, 'out')) || existsSync(join(folder, 'target'))).toBe(false);
  });

  it('leaves nothing of an archive that is cut short or damaged', async () => {
    const file = join(folder, 'cut');
    const zip = writeZip([['set/a', Buffer.from('one'.repeat(100))]]);
    const spoiled = Buffer.from(zip);
    spoiled[60]! ^= 1;
    for (const bytes of [
      archive.subarray(0, -20),
      gzipSync(writeTar([['set/a', Buffer.from('one')]]).subarray(0, 600)),
      zip.subarray(0, -30),
      spoiled,
    ]) {
      writeFileSync(file, bytes);
      await expect(unpack(file, 'set', join(folder, 'half'))).rejects.toMatchObject({ name: 'DatasetError' });
      expect(readdirSync(folder).filter((name) => name.startsWith('half'))).toEqual([]);
    }
  });

  it('reads zip64 archives, packed or stored', async () => {
    for (const [i, options] of [{ zip64: true }, { deflate: true }, { zip64: true, deflate: true }].entries()) {
      const file = join(folder, `z${i}.zip`);
      writeFileSync(
        file,
        writeZip(
          [
            ['set/a', Buffer.from('one')],
            ['set/b/c', Buffer.from('two')],
          ],
          options,
        ),
      );
      await unpack(file, 'set', join(folder, `z${i}`));
      expect(readFileSync(join(folder, `z${i}/b/c`), 'utf8')).toBe('two');
    }
  });
});
