import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { download, encodeSafetensors, loadSafetensors, saveSafetensors, type StateDict } from '../src/index.ts';

const content = Buffer.from(Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7) % 251));
const sha256 = createHash('sha256').update(content).digest('hex');
const md5 = createHash('md5').update(content).digest('hex');

let server: Server;
let origin: string;
let cacheDir: string;
let requests: IncomingMessage[];
let answer: (request: IncomingMessage, response: ServerResponse) => void;

beforeAll(async () => {
  server = createServer((request, response) => {
    requests.push(request);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());
beforeEach(async () => {
  requests = [];
  answer = serve(content);
  cacheDir = await mkdtemp(join(tmpdir(), 'download-'));
});
afterEach(() => rm(cacheDir, { recursive: true }));

/** A server of one file that understands ranges; `cut` breaks the first transfer off after so many bytes. */
function serve(body: Buffer, { cut = Infinity, etag = '"v1"' }: { cut?: number; etag?: string } = {}) {
  return (request: IncomingMessage, response: ServerResponse) => {
    const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
    const resumes = range !== null && request.headers['if-range'] === etag;
    const start = resumes ? Number(range[1]) : 0;
    response.writeHead(resumes ? 206 : 200, {
      'content-length': body.length - start,
      etag,
      ...(resumes && { 'content-range': `bytes ${start}-${body.length - 1}/${body.length}` }),
    });
    if (requests.length > 1 || cut === Infinity) return response.end(body.subarray(start));
    response.write(body.subarray(start, cut), () => setTimeout(() => response.destroy(), 20));
    return undefined;
  };
}

/** Files of the cache besides the receipts. */
async function cached(): Promise<string[]> {
  const names = await readdir(cacheDir, { recursive: true, withFileTypes: true });
  return names.filter((entry) => entry.isFile() && entry.name !== 'receipt.json').map(({ name }) => name);
}

describe('download', () => {
  it.each([
    [{ cachedir: 'x' }, /Did you mean 'cacheDir'/],
    [{ sha256: 'xyz' }, /64 hexadecimal digits/],
    [{ md5: 5 }, /32 hexadecimal digits/],
    [null, /an object/],
  ])('refuses %j before it asks for anything', async (options, message) => {
    const refused = expect(download(`${origin}/w.bin`, options as object));
    await refused.rejects.toMatchObject({
      code: 'WEIGHTS_BAD_OPTION',
      message: expect.stringMatching(message) as string,
    });
    expect(requests).toHaveLength(0);
  });

  it('fetches once, checks the sum, and tells the progress', async () => {
    const seen: [number, number | undefined][] = [];
    const options = {
      cacheDir,
      sha256,
      md5,
      onProgress: ({ received, total }: { received: number; total: number | undefined }) =>
        seen.push([received, total]),
    };
    const file = await download(`${origin}/weights.bin`, options);
    expect(readFileSync(file.path!).equals(content)).toBe(true);
    expect(file.size).toBe(content.length);
    expect(seen.at(-1)).toEqual([content.length, content.length]);
    expect((await download(`${origin}/weights.bin`, options)).path).toBe(file.path);
    expect(requests).toHaveLength(1);
    expect(await cached()).toEqual(['weights.bin']);
  });

  it('goes on after a break, without asking twice for the same bytes', async () => {
    answer = serve(content, { cut: 100_000 });
    const file = await download(`${origin}/weights.bin`, { cacheDir, sha256 });
    expect(readFileSync(file.path!).equals(content)).toBe(true);
    expect(requests.map(({ headers }) => headers.range)).toEqual([undefined, 'bytes=100000-']);
  });

  it('goes on in a later call, and starts anew when the file has changed meanwhile', async () => {
    answer = serve(content, { cut: 100_000 });
    await expect(download(`${origin}/weights.bin`, { cacheDir, retries: 0 })).rejects.toMatchObject({
      code: 'WEIGHTS_NETWORK',
    });
    const changed = Buffer.from(content).reverse();
    answer = serve(changed, { etag: '"v2"' });
    const file = await download(`${origin}/weights.bin`, { cacheDir });
    expect(readFileSync(file.path!).equals(changed)).toBe(true);
    expect(requests[1]!.headers.range).toBe('bytes=100000-');
  });

  it('refuses a file with another checksum, and keeps nothing of it', async () => {
    const wrong = download(`${origin}/weights.bin`, { cacheDir, sha256: '0'.repeat(64) });
    await expect(wrong).rejects.toMatchObject({ code: 'WEIGHTS_CHECKSUM' });
    expect(await cached()).toEqual([]);
    await expect(download(`${origin}/weights.bin`, { cacheDir, sha256: 'abc' })).rejects.toThrow(
      /64 hexadecimal digits/,
    );
  });

  it('loads anew when the cached file does not have the checksum that is asked for', async () => {
    await download(`${origin}/weights.bin`, { cacheDir });
    const changed = Buffer.from(content).reverse();
    answer = serve(changed);
    const options = { cacheDir, sha256: createHash('sha256').update(changed).digest('hex') };
    await expect(download(`${origin}/weights.bin`, { ...options, offline: true })).rejects.toMatchObject({
      code: 'WEIGHTS_CHECKSUM',
    });
    expect(readFileSync((await download(`${origin}/weights.bin`, options)).path!).equals(changed)).toBe(true);
  });

  it('notices that the cached file was damaged since its checksum was checked', async () => {
    const options = { cacheDir, sha256 };
    const { path } = await download(`${origin}/weights.bin`, options);
    const damaged = Buffer.from(content);
    damaged[5]! ^= 1;
    await writeFile(path!, damaged);
    await expect(download(`${origin}/weights.bin`, { ...options, offline: true })).rejects.toMatchObject({
      code: 'WEIGHTS_CHECKSUM',
    });
    expect(readFileSync((await download(`${origin}/weights.bin`, options)).path!).equals(content)).toBe(true);
  });

  it.each(['', 'null', '{"size":', '5'])('starts anew where its notes were cut off: %j', async (left) => {
    answer = serve(content, { cut: 100_000 });
    await expect(download(`${origin}/weights.bin`, { cacheDir, retries: 0 })).rejects.toThrow();
    const [folder] = await readdir(cacheDir);
    await writeFile(join(cacheDir, folder!, 'part.json'), left);
    for (const count of [2, 3]) {
      const file = await download(`${origin}/weights.bin`, { cacheDir, sha256 });
      expect(readFileSync(file.path!).equals(content)).toBe(true);
      expect(requests).toHaveLength(count);
      expect(requests.at(-1)!.headers.range).toBeUndefined();
      await writeFile(join(cacheDir, folder!, 'receipt.json'), left);
    }
    expect((await readdir(join(cacheDir, folder!))).filter((name) => name.includes('tmp'))).toEqual([]);
  });

  it.each([
    ['begins elsewhere', `bytes 0-${content.length - 1}/${content.length}`, content],
    ['ends early', `bytes 100000-${content.length - 1}/${content.length}`, content.subarray(100_000, 200_000)],
  ])('is not misled by a part that %s', async (_, contentRange, body) => {
    answer = (request, response) => {
      if (requests.length !== 2) return serve(content, { cut: 100_000 })(request, response);
      response.writeHead(206, { 'content-length': body.length, 'content-range': contentRange, etag: '"v1"' });
      return response.end(body);
    };
    const file = await download(`${origin}/weights.bin`, { cacheDir });
    expect(readFileSync(file.path!).equals(content)).toBe(true);
    expect(requests).toHaveLength(3);
  });

  it('stays offline when told so', async () => {
    await expect(download(`${origin}/weights.bin`, { cacheDir, offline: true })).rejects.toMatchObject({
      code: 'WEIGHTS_OFFLINE',
    });
    await download(`${origin}/weights.bin`, { cacheDir });
    expect((await download(`${origin}/weights.bin`, { cacheDir, offline: true })).size).toBe(content.length);
    expect(requests).toHaveLength(1);
  });

  it('shares one transfer among calls at the same time', async () => {
    const files = await Promise.all([1, 2, 3].map(() => download(`${origin}/weights.bin`, { cacheDir })));
    expect(new Set(files.map(({ path }) => path)).size).toBe(1);
    expect(requests).toHaveLength(1);
  });

  it('goes on with a shared transfer when one call is aborted, and tells all of the progress', async () => {
    answer = (_, response) => {
      response.writeHead(200, { 'content-length': content.length }).write(content.subarray(0, 1000));
      setTimeout(() => response.end(content.subarray(1000)), 100);
    };
    const controller = new AbortController();
    const first = download(`${origin}/weights.bin`, { cacheDir, signal: controller.signal });
    const seen: number[] = [];
    const onProgress = ({ received }: { received: number }) => {
      seen.push(received);
      controller.abort(new Error('enough'));
    };
    const second = download(`${origin}/weights.bin`, { cacheDir, onProgress });
    const third = download(`${origin}/weights.bin`, {
      cacheDir,
      onProgress: () => {
        throw new Error('of its own');
      },
    });
    await Promise.all([
      expect(first).rejects.toThrow('enough'),
      expect(third).rejects.toThrow('of its own'),
      expect(second).resolves.toMatchObject({ size: content.length }),
    ]);
    expect(seen.at(-1)).toBe(content.length);
    expect(requests).toHaveLength(1);
  });

  it('ends a transfer that all have given up, and takes it up again when it is asked for', async () => {
    answer = (request, response) => {
      if (requests.length > 1) return serve(content)(request, response);
      return response
        .writeHead(200, { 'content-length': content.length, etag: '"v1"' })
        .write(content.subarray(0, 1000));
    };
    const calls = [1, 2].map(() => {
      const controller = new AbortController();
      const { signal } = controller;
      return download(`${origin}/weights.bin`, { cacheDir, signal, onProgress: () => controller.abort() });
    });
    await Promise.all(calls.map((call) => expect(call).rejects.toThrow(/abort/i)));
    const file = await download(`${origin}/weights.bin`, { cacheDir, sha256 });
    expect(readFileSync(file.path!).equals(content)).toBe(true);
    expect(requests.map(({ headers }) => headers.range)).toEqual([undefined, 'bytes=1000-']);
    await expect(download(`${origin}/other.bin`, { cacheDir, signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
  });

  it('takes over the cache of a process that died, and works beside one that lives', async () => {
    answer = serve(content, { cut: 100_000 });
    await expect(download(`${origin}/weights.bin`, { cacheDir, retries: 0 })).rejects.toThrow();
    const [folder] = await readdir(cacheDir);
    await writeFile(join(cacheDir, folder!, 'lock'), '1'); // the first process of the system is always there
    answer = serve(content);
    const beside = await download(`${origin}/weights.bin`, { cacheDir });
    expect(requests[1]!.headers.range).toBeUndefined();
    await rm(beside.path!);
    await writeFile(join(cacheDir, folder!, 'lock'), '2147483647');
    await download(`${origin}/weights.bin`, { cacheDir });
    expect(requests[2]!.headers.range).toBe('bytes=100000-');
    expect(await cached()).toEqual(['weights.bin']);
  });

  it.each([
    [
      'a quota page',
      '<!DOCTYPE html><html><head><title>Google Drive - Quota exceeded</title></head></html>',
      'WEIGHTS_QUOTA',
      /used up its quota/,
    ],
    ['a log-in page', '\n <html><title>Sign in</title></html>', 'WEIGHTS_NOT_A_FILE', /web page \("Sign in"\)/],
    [
      'a pointer',
      'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n',
      'WEIGHTS_NOT_A_FILE',
      /Git LFS pointer/,
    ],
  ])('recognises %s in place of the file', async (_, text, code, message) => {
    answer = serve(Buffer.from(text));
    const attempt = download(`${origin}/weights.bin`, { cacheDir });
    await expect(attempt).rejects.toThrow(message);
    await expect(attempt).rejects.toMatchObject({ code });
    expect(await cached()).toEqual([]);
  });

  it.each([
    [404, 'WEIGHTS_NOT_FOUND', 1],
    [403, 'WEIGHTS_FORBIDDEN', 1],
    [400, 'WEIGHTS_HTTP', 1],
    [503, 'WEIGHTS_HTTP', 2],
  ])('HTTP %i gives %s after %i requests', async (status, code, attempts) => {
    answer = (_, response) => response.writeHead(status).end();
    await expect(download(`${origin}/weights.bin`, { cacheDir, retries: 1 })).rejects.toMatchObject({ code });
    expect(requests).toHaveLength(attempts);
  });

  it('tries again when the server is busy', async () => {
    answer = (request, response) =>
      requests.length === 1 ? response.writeHead(429, { 'retry-after': '0' }).end() : serve(content)(request, response);
    expect((await download(`${origin}/weights.bin`, { cacheDir })).size).toBe(content.length);
  });

  it('stops when it is aborted', async () => {
    answer = (_, response) => response.writeHead(200).write('x');
    const controller = new AbortController();
    const attempt = download(`${origin}/weights.bin`, {
      cacheDir,
      signal: controller.signal,
      onProgress: () => controller.abort(),
    });
    await expect(attempt).rejects.toThrow(/abort/i);
  });

  it('finds files of repositories, with a token', async () => {
    const hub = { cacheDir, endpoint: origin, token: 'secret' };
    await download({ repo: 'owner/name', file: 'unet/config.json' }, hub);
    await download('hf://owner/name@v1.0/a b.bin', hub);
    expect(requests.map(({ url }) => url)).toEqual([
      '/owner/name/resolve/main/unet/config.json',
      '/owner/name/resolve/v1.0/a%20b.bin',
    ]);
    expect(requests[0]!.headers.authorization).toBe('Bearer secret');
  });

  it('keeps a file whose address is not well escaped', async () => {
    expect((await download(`${origin}/a%ZZ.bin`, { cacheDir })).path).toMatch(/a_ZZ\.bin$/);
  });

  it.each<unknown>([...['ftp://x/y', 'hf://owner', 'weights.bin', null, undefined, 5, {}], { repo: 'owner/name' }])(
    'refuses the address %j',
    async (address) => {
      await expect(download(address as string, { cacheDir })).rejects.toMatchObject({ code: 'WEIGHTS_BAD_ADDRESS' });
    },
  );

  it('says when nobody answers', async () => {
    const attempt = download('http://127.0.0.1:9/x', { cacheDir, retries: 0 });
    await expect(attempt).rejects.toMatchObject({ code: 'WEIGHTS_NETWORK' });
  });
});

describe('loadSafetensors from an address', () => {
  const dict: StateDict = {
    a: { dtype: 'float32', shape: [2], data: Float32Array.of(1, 2) },
    b: { dtype: 'float32', shape: [1], data: Float32Array.of(3) },
  };

  it('loads and caches the file', async () => {
    answer = serve(Buffer.from(encodeSafetensors(dict)));
    expect(await loadSafetensors(`${origin}/m.safetensors`, { cacheDir })).toEqual(dict);
    expect(await loadSafetensors(new URL(`${origin}/m.safetensors`), { cacheDir, offline: true })).toEqual(dict);
  });

  it('loads the shards beside an index', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'shards-'));
    await saveSafetensors(dict, join(folder, 'm.safetensors'), { maxShardBytes: 8 });
    answer = (request, response) => response.end(readFileSync(join(folder, request.url!.split('/').at(-1)!)));
    expect(await loadSafetensors(`hf://o/n/m.safetensors.index.json`, { cacheDir, endpoint: origin })).toEqual(dict);
    await rm(folder, { recursive: true });
  });
});
