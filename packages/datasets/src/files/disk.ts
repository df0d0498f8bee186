import { DatasetError } from '../errors.ts';
import { nodeModule } from '../platform.ts';
import type { Folder } from './folder.ts';

/** A folder on disk (Node). */
export function diskFolder(root: string): Folder {
  const fs = nodeModule('node:fs');
  const path = nodeModule('node:path');
  return {
    location: root,
    async read(name) {
      const full = path.join(root, name);
      try {
        const bytes = await fs.promises.readFile(full);
        return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      } catch (cause) {
        if (isMissing(cause)) return undefined;
        throw cannotRead(full, cause);
      }
    },
  };
}

/** Whether a file system error says that there is nothing of this name. */
export function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** A file that is there but cannot be read: permissions, a folder, a broken disk. */
export function cannotRead(path: string, cause: unknown): DatasetError {
  return new DatasetError('DATASETS_UNREADABLE', `Cannot read ${path}: ${(cause as Error).message}.`, { cause });
}
