import { WeightsError } from '../errors.ts';
import { hex } from './digest.ts';
import type { Store } from './store.ts';

/** A folder of the origin's private file system (OPFS), which survives the page. */
export async function openBrowserStore(url: string): Promise<Store> {
  if (typeof navigator === 'undefined' || typeof navigator.storage?.getDirectory !== 'function') {
    throw new WeightsError(
      'WEIGHTS_NO_CACHE',
      'There is no place to keep downloads: this browser or page has no private file system (https is needed). Fetch the bytes and give them.',
    );
  }
  const hash = hex(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(url))).slice(0, 16);
  const root = await (await navigator.storage.getDirectory()).getDirectoryHandle('missing-u', { create: true });
  const folder = await root.getDirectoryHandle(hash, { create: true });
  const get = (name: string) =>
    folder.getFileHandle(name).then(
      (handle) => handle.getFile(),
      (error: Error) => {
        if (error.name !== 'NotFoundError') throw error;
        return undefined;
      },
    );
  const write = async (name: string, content: string | Blob) => {
    const stream = await (await folder.getFileHandle(name, { create: true })).createWritable();
    await stream.write(content);
    await stream.close();
  };
  const remove = async (name: string) => {
    if ((await get(name)) !== undefined) await folder.removeEntry(name);
  };
  return {
    key: `missing-u/${hash}`,
    size: async (name) => (await get(name))?.size,
    readText: async (name) => (await get(name))?.text(),
    writeText: write,
    async writer(name, start) {
      const handle = await folder.getFileHandle(name, { create: true });
      const stream = await handle.createWritable({ keepExistingData: true });
      await stream.truncate(start);
      await stream.seek(start);
      return { write: (bytes) => stream.write(bytes), close: () => stream.close() };
    },
    async move(from, to) {
      // There is no rename that all browsers have; the receipt that is written afterwards makes the file valid.
      await write(to, (await get(from))!);
      await remove(from);
    },
    remove,
    file: async (name, from) => {
      const blob = (await get(name))!;
      return { url: from, blob, size: blob.size };
    },
    // Writers of one file do not see each other's bytes before they close, so that there is nothing to guard.
    lock: () => Promise.resolve(() => Promise.resolve()),
  };
}
