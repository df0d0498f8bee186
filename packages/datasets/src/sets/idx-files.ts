import { DatasetError } from '../errors.ts';
import type { Folder } from '../files/folder.ts';
import { gunzip, isGzip } from '../files/gunzip.ts';
import { parseIdx, type IdxArray } from '../formats/idx.ts';

/** One file of a published data set. */
export interface PublishedFile {
  /** As published, without `.gz`. */
  readonly name: string;
  /** Length and SHA-256 of the unpacked file, where they are known. */
  readonly bytes?: number;
  readonly sha256?: string;
}

/**
 * Reads an IDX file, packed or not, from the first of the folders where it lies. A file that is as long as the published
 * one has to be the published one, to the last byte; one of another length is somebody's own data in the same format.
 *
 * @returns the array, and whether it is the published file
 * @throws DatasetError `DATASETS_MISSING_FILE`, `DATASETS_CHECKSUM`, and those of `parseIdx`
 */
export async function readIdxFile(
  folder: Folder,
  subfolders: readonly string[],
  file: PublishedFile,
  rank?: number,
): Promise<IdxArray & { verified: boolean }> {
  const dotted = file.name.replace(/-(idx\d)/, '.$1');
  const names = [file.name, `${file.name}.gz`, dotted, `${dotted}.gz`];
  for (const path of subfolders.flatMap((subfolder) => names.map((name) => subfolder + name))) {
    const found = await folder.read(path);
    if (found === undefined) continue;
    const shown = `${folder.location}/${path}`;
    const bytes = isGzip(found) ? await gunzip(found, shown) : found;
    const array = parseIdx(bytes, shown, rank);
    return { ...array, verified: await verify(bytes, file, shown) };
  }
  throw new DatasetError(
    'DATASETS_MISSING_FILE',
    `There is no ${file.name} or ${file.name}.gz in ${folder.location}` +
      `${subfolders.length > 1 ? ` or its folders ${subfolders.filter((name) => name !== '').join(', ')}` : ''}; ` +
      'give the folder with `root`, or let the files be fetched with `download: true`.',
  );
}

async function verify(bytes: Uint8Array<ArrayBuffer>, file: PublishedFile, shown: string): Promise<boolean> {
  // Browsers have no hashes outside secure contexts.
  if (file.sha256 === undefined || bytes.length !== file.bytes || globalThis.crypto?.subtle === undefined) return false;
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
  if (hex === file.sha256) return true;
  throw new DatasetError(
    'DATASETS_CHECKSUM',
    `${shown} is not the published file: its SHA-256 is ${hex}, where ${file.sha256} belongs; fetch it again.`,
  );
}
