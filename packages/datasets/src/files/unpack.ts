import { DatasetError } from '../errors.ts';
import { tarEntries } from '../formats/tar.ts';
import { zipEntries, type ZipEntry } from '../formats/zip.ts';
import { nodeModule } from '../platform.ts';
import { openStore } from '../sources/store.ts';
import { zipStore } from '../sources/zip.ts';
import { temporaryBeside } from './atomic.ts';
import { gunzip, isGzip } from './gunzip.ts';
import { withFile } from './random-access.ts';

/**
 * Unpacks the folder `inside` of a `.zip`, `.tar` or `.tar.gz` archive, so that `target` is there as a whole or not at all:
 * everything is written to a folder beside it, which is then renamed.
 *
 * @throws DatasetError `DATASETS_UNSAFE_ARCHIVE` before anything is written, and those of the formats
 */
export async function unpack(archive: string, inside: string, target: string): Promise<void> {
  const fs = nodeModule('node:fs').promises;
  const path = nodeModule('node:path');
  const temporary = temporaryBeside(target);
  try {
    for (const { name, read } of await filesOf(archive)) {
      const file = path.join(temporary, name);
      await fs.mkdir(path.dirname(file), { recursive: true });
      await fs.writeFile(file, read(), { flush: true });
    }
    await fs.rename(path.join(temporary, inside), target).catch(async (error: unknown) => {
      // Another process was faster; its folder is as whole as ours.
      if (!nodeModule('node:fs').existsSync(target)) throw error;
    });
  } catch (cause) {
    if (cause instanceof DatasetError) throw cause;
    const message = `Cannot unpack ${archive} into ${target}: ${(cause as Error).message}.`;
    throw new DatasetError('DATASETS_CANNOT_WRITE', message, { cause });
  } finally {
    await fs.rm(temporary, { recursive: true, force: true });
  }
}

async function filesOf(archive: string): Promise<{ name: string; read(): Uint8Array }[]> {
  const start = await withFile(archive, (file) => file.read(0, Math.min(4, file.size)));
  if (start[0] === 0x50 && start[1] === 0x4b) return zipFiles(archive, await withFile(archive, zipEntries));
  const bytes = new Uint8Array(await nodeModule('node:fs').promises.readFile(archive));
  const tar = isGzip(start) ? await gunzip(bytes, archive) : bytes;
  return Array.from(tarEntries(tar, archive), (entry) => ({ name: entry.name, read: () => entry.bytes }));
}

function zipFiles(archive: string, entries: readonly ZipEntry[]): { name: string; read(): Uint8Array }[] {
  const spec = zipStore(archive, entries);
  return entries.map(({ name }, row) => ({
    name,
    read() {
      const store = openStore(spec);
      try {
        return store.read(row);
      } finally {
        store.close();
      }
    },
  }));
}
