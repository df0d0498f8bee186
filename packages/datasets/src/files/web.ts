import { DatasetError } from '../errors.ts';
import type { Folder } from './folder.ts';

/** A folder of a web server, read by `fetch`. */
export function webFolder(root: string): Folder {
  const base = root.endsWith('/') ? root : `${root}/`;
  return {
    location: root,
    async read(name) {
      const url = new URL(name, base);
      const response = await fetch(url);
      if (response.status === 404) return undefined;
      if (!response.ok) {
        throw new DatasetError('DATASETS_UNREADABLE', `Cannot read ${url}: the server answered ${response.status}.`);
      }
      return new Uint8Array(await response.arrayBuffer());
    },
  };
}
