import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { download, encodeSafetensors, loadSafetensors, type StateDict } from '../src/index.ts';

/** As much of the File System standard (https://fs.spec.whatwg.org) as the store uses, in memory. */
class Folder {
  readonly folders = new Map<string, Folder>();
  readonly files = new Map<string, Blob>();

  getDirectoryHandle(name: string): Promise<Folder> {
    const folder = this.folders.get(name) ?? new Folder();
    this.folders.set(name, folder);
    return Promise.resolve(folder);
  }

  async getFileHandle(name: string, { create = false } = {}) {
    if (!this.files.has(name) && !create) throw new DOMException('absent', 'NotFoundError');
    if (!this.files.has(name)) this.files.set(name, new Blob());
    return {
      getFile: () => Promise.resolve(this.files.get(name)!),
      createWritable: ({ keepExistingData = false } = {}) => {
        let draft = keepExistingData ? this.files.get(name)! : new Blob();
        return Promise.resolve({
          truncate: (size: number) => Promise.resolve((draft = draft.slice(0, size))),
          seek: (at: number) => (at === draft.size ? Promise.resolve() : Promise.reject(new Error('only appends'))),
          write: (piece: BlobPart) => Promise.resolve((draft = new Blob([draft, piece]))),
          close: () => Promise.resolve(this.files.set(name, draft)),
        });
      },
    };
  }

  removeEntry(name: string): Promise<void> {
    this.files.delete(name);
    return Promise.resolve();
  }
}

const dict: StateDict = { w: { dtype: 'float32', shape: [3], data: Float32Array.of(1, 2, 3) } };
const file = encodeSafetensors(dict);
const sha256 = createHash('sha256').update(file).digest('hex');
const url = 'https://example.org/w.safetensors';

let root: Folder;
beforeEach(() => {
  root = new Folder();
  vi.spyOn(process, 'getBuiltinModule').mockReturnValue(undefined);
  vi.stubGlobal('navigator', { storage: { getDirectory: () => Promise.resolve(root) } });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe('download in a browser', () => {
  it('keeps the file in the private file system', async () => {
    const fetch = vi.fn(() => Promise.resolve(new Response(file)));
    expect(await loadSafetensors(url, { fetch, sha256 })).toEqual(dict);
    const again = await download(url, { fetch, sha256, offline: true });
    expect(await loadSafetensors(again)).toEqual(dict);
    expect(fetch).toHaveBeenCalledTimes(1);
  });

  it('goes on after a break', async () => {
    const pieces = [file.slice(0, 40), undefined];
    const broken = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          const piece = pieces.shift();
          if (piece === undefined) controller.error(new Error('gone'));
          else controller.enqueue(piece);
        },
      },
      { highWaterMark: 0 },
    );
    const headers = { etag: '"1"', 'content-length': String(file.length) };
    const ranges: (string | null)[] = [];
    const fetch = (_: unknown, init?: RequestInit) => {
      ranges.push(new Headers(init?.headers).get('range'));
      return Promise.resolve(
        ranges.length === 1 ? new Response(broken, { headers }) : new Response(file.slice(40), { status: 206 }),
      );
    };
    expect(await loadSafetensors(url, { fetch: fetch, sha256 })).toEqual(dict);
    expect(ranges).toEqual([null, 'bytes=40-']);
  });

  it('refuses a wrong checksum, MD5, and files of a disk', async () => {
    const fetch = () => Promise.resolve(new Response(file));
    await expect(download(url, { fetch, sha256: '0'.repeat(64) })).rejects.toMatchObject({ code: 'WEIGHTS_CHECKSUM' });
    await expect(download(url, { fetch, md5: '0'.repeat(32) })).rejects.toThrow(/Browsers have no MD5/);
    await expect(loadSafetensors('w.safetensors')).rejects.toMatchObject({ code: 'WEIGHTS_NO_FILES' });
  });

  it('says when there is no private file system', async () => {
    vi.stubGlobal('navigator', {});
    await expect(download(url)).rejects.toMatchObject({ code: 'WEIGHTS_NO_CACHE' });
  });
});
