import { download as fetchFile, type DownloadOptions } from '@missing-u/weights';
import { DatasetError } from '../errors.ts';
import { inNode, nodeModule } from '../platform.ts';
import { temporaryBeside } from './atomic.ts';
import { diskFolder } from './disk.ts';
import type { Folder } from './folder.ts';
import { firstFolder, noRoot, openFolder } from './root.ts';
import { unpack } from './unpack.ts';

/** A file that a data set is published as. */
export interface Publication {
  /** The same file at several addresses, to be tried in this order. */
  readonly urls: readonly string[];
  readonly md5?: string;
  readonly sha256?: string;
  /** Where it belongs in the data folder: a file, or, for an archive, the folder that its content becomes. */
  readonly to: string;
  /** The archive's own name for that folder. */
  readonly unpack?: string;
}

/** What is known about where a data set is and can be had. */
export interface Obtainable {
  readonly name: string;
  /** Where it may lie on this machine, if the user named no folder. */
  places(): readonly (string | undefined)[];
  readonly publications: readonly Publication[];
}

/** How to fetch: what the downloads of `@missing-u/weights` can be told. */
export type FetchOptions = Pick<
  DownloadOptions,
  'cacheDir' | 'fetch' | 'offline' | 'onProgress' | 'retries' | 'signal'
>;

/** Where to find or to put the files of a data set. */
export interface ObtainOptions {
  /** Folder of the files, laid out as torchvision does; a path in Node, or a URL. */
  root?: string | URL;
  /** Fetches what is missing into `root`, or into the cache folder where there is no `root` (Node). */
  download?: boolean | FetchOptions;
}

/**
 * Opens a data set in its folder. With `download`, what is there is opened first, in whatever layout `open` knows, and the
 * published files are fetched only where it misses some.
 *
 * @throws DatasetError `DATASETS_NO_ROOT`, `DATASETS_CANNOT_WRITE`, and those of `open`
 */
export async function openObtained<T>(
  set: Obtainable,
  { root, download = false }: ObtainOptions,
  open: (folder: Folder) => Promise<T>,
): Promise<T> {
  if (download === false) return open(findRoot(set, root));
  const place = pathOnDisk(root ?? dataHome());
  const folder = diskFolder(place);
  try {
    return await open(folder);
  } catch (error) {
    if (!(error instanceof DatasetError && error.code === 'DATASETS_MISSING_FILE')) throw error;
  }
  await obtain(set, place, download === true ? {} : download);
  return open(folder);
}

function findRoot(set: Obtainable, root: string | URL | undefined): Folder {
  if (root !== undefined) return openFolder(root);
  const places = set.places().filter((place) => place !== undefined);
  const fetched = inNode && set.publications.every(({ to }) => isThere(`${dataHome()}/${to}`)) ? dataHome() : undefined;
  const found = firstFolder(places) ?? (set.publications.length > 0 ? fetched : undefined);
  if (found === undefined) throw noRoot(set.name, places);
  return openFolder(found);
}

/** Fetches the files of a data set that are not in the folder yet. */
export async function obtain(set: Obtainable, root: string, options: FetchOptions): Promise<void> {
  const fs = nodeModule('node:fs').promises;
  const path = nodeModule('node:path');
  if (set.publications.length === 0) {
    throw new DatasetError(
      'DATASETS_NO_DOWNLOAD',
      `${set.name} cannot be fetched by a program; get it from its authors, and give its folder with \`root\`.`,
    );
  }
  for (const publication of set.publications) {
    const target = path.join(root, publication.to);
    if (isThere(target)) continue;
    const file = await fromAnyMirror(publication, options);
    await fs.mkdir(path.dirname(target), { recursive: true }).catch((cause: unknown) => {
      throw cannotPlace(file, target, cause);
    });
    if (publication.unpack === undefined) await place(file, target);
    else await unpack(file, publication.unpack, target);
  }
}

async function fromAnyMirror({ urls, md5, sha256 }: Publication, options: FetchOptions): Promise<string> {
  const failures: unknown[] = [];
  for (const url of urls) {
    try {
      const file = await fetchFile(url, { ...options, ...(md5 && { md5 }), ...(sha256 && { sha256 }) });
      return file.path!;
    } catch (error) {
      failures.push(error);
    }
  }
  // One address, or the last of several: its own error says best what happened.
  throw failures.at(-1);
}

/**
 * Puts a copy, which shares the disk space where it can, in place in one step. The temporary name is of this call alone, so
 * that several, in one process too, do not disturb each other.
 */
async function place(file: string, target: string): Promise<void> {
  const fs = nodeModule('node:fs').promises;
  const temporary = temporaryBeside(target);
  try {
    await fs.link(file, temporary).catch(() => fs.copyFile(file, temporary));
    await fs.rename(temporary, target);
  } catch (cause) {
    throw cannotPlace(file, target, cause);
  } finally {
    // It is still there after a failure, and where target was the same file already: renaming does nothing then.
    await fs.rm(temporary, { force: true });
  }
}

function cannotPlace(file: string, target: string, cause: unknown): DatasetError {
  return new DatasetError('DATASETS_CANNOT_WRITE', `Cannot put ${file} at ${target}: ${(cause as Error).message}.`, {
    cause,
  });
}

/** Where data sets are kept for which no folder was named: `datasets` in the cache folder of this family of packages. */
export function dataHome(): string {
  const { join } = nodeModule('node:path');
  const home = nodeModule('node:os').homedir();
  const { MISSING_U_CACHE, XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  if (MISSING_U_CACHE !== undefined) return join(MISSING_U_CACHE, 'datasets');
  if (process.platform === 'win32')
    return join(LOCALAPPDATA ?? join(home, 'AppData', 'Local'), 'missing-u', 'datasets');
  if (process.platform === 'darwin') return join(home, 'Library', 'Caches', 'missing-u', 'datasets');
  return join(XDG_CACHE_HOME ?? join(home, '.cache'), 'missing-u', 'datasets');
}

function isThere(path: string): boolean {
  return nodeModule('node:fs').existsSync(path);
}

function pathOnDisk(root: string | URL): string {
  const text = String(root);
  if (/^https?:/.test(text)) {
    throw new DatasetError('DATASETS_BAD_OPTION', `\`root\` is ${text}, but downloads need a folder on disk.`);
  }
  return text.startsWith('file:') ? nodeModule('node:url').fileURLToPath(text) : text;
}
