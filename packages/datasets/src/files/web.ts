import { DatasetError } from '../errors.ts';
import type { Folder } from './folder.ts';

/** A folder of a web server, read by `fetch`. Reading throws DatasetError `DATASETS_UNREADABLE`. */
export function webFolder(root: string): Folder {
  const base = root.endsWith('/') ? root : `${root}/`;
  return {
    location: root,
    async read(name) {
      const url = new URL(name, base);
      const response = await fetch(url).catch((cause: unknown) => {
        // What went wrong with the network stands in the cause of what `fetch` throws.
        const { message, cause: why } = cause as Error;
        const reason = why instanceof Error && why.message !== '' ? why.message : message;
        throw new DatasetError('DATASETS_UNREADABLE', `Cannot reach ${url}: ${reason}.`, { cause });
      });
      if (response.status === 404) return undefined;
      if (!response.ok) {
        throw new DatasetError('DATASETS_UNREADABLE', `Cannot read ${url}: the server answered ${response.status}.`);
      }
      return new Uint8Array(await response.arrayBuffer());
    },
  };
}
