import { DatasetError } from '../errors.ts';
import type { RandomAccess } from '../files/random-access.ts';
import { isWebPage, WEB_PAGE } from './web-page.ts';

/** One file of a zip archive. */
export interface ZipEntry {
  readonly name: string;
  /** 0 stored, 8 deflated. */
  readonly method: number;
  readonly crc32: number;
  /** Bytes in the archive, and unpacked. */
  readonly packed: number;
  readonly size: number;
  /** Where its local header lies. */
  readonly header: number;
}

const END = 0x06054b50;
const END64 = 0x06064b50;
const LOCATOR64 = 0x07064b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
/** A value of the old fields that says: look into the zip64 fields. */
const SEE_64 = 0xffffffff;

/**
 * The files of a zip archive, zip64 included (PKWARE APPNOTE 6.3). Folders are left out.
 *
 * @throws DatasetError `DATASETS_NOT_ZIP`, `DATASETS_UNSAFE_ARCHIVE` for an entry that would be written outside of the
 *   folder it is unpacked into, `DATASETS_UNSUPPORTED_ARCHIVE` for encryption and rare methods
 */
export async function zipEntries(file: RandomAccess): Promise<ZipEntry[]> {
  const { count, start, size } = await findDirectory(file);
  if (start + size > file.size) throw notZip(file, 'its directory lies behind its end, so it is cut short');
  const directory = await file.read(start, size);
  const view = viewOf(directory);
  const entries: ZipEntry[] = [];
  for (let i = 0, at = 0; i < count; i++) {
    if (at + 46 > size || view.getUint32(at, true) !== CENTRAL) throw notZip(file, 'its directory is damaged');
    const nameLength = view.getUint16(at + 28, true);
    const extraLength = view.getUint16(at + 30, true);
    const end = at + 46 + nameLength + extraLength + view.getUint16(at + 32, true);
    const name = new TextDecoder().decode(directory.subarray(at + 46, at + 46 + nameLength));
    const extra = directory.subarray(at + 46 + nameLength, at + 46 + nameLength + extraLength);
    if (!name.endsWith('/')) entries.push(checked(file, view, at, name, extra));
    at = end;
  }
  return entries;
}

/** Where the data of an entry begins, whose local header begins at `header` and says how long it is itself. */
export function dataStart(header: number, localHeader: Uint8Array, name: string): number {
  const view = viewOf(localHeader);
  if (view.getUint32(0, true) !== LOCAL) throw notZip({ name }, 'an entry is not where its directory says');
  return header + LOCAL_HEADER + view.getUint16(26, true) + view.getUint16(28, true);
}

/** Bytes of a local header without name and extra fields. */
export const LOCAL_HEADER = 30;

async function findDirectory(file: RandomAccess): Promise<{ count: number; start: number; size: number }> {
  const length = Math.min(file.size, 22 + 65535);
  const tail = await file.read(file.size - length, length);
  const view = viewOf(tail);
  let at = length - 22;
  while (at >= 0 && view.getUint32(at, true) !== END) at--;
  if (at < 0) {
    const html = isWebPage(new TextDecoder().decode(tail.subarray(0, 200)));
    throw notZip(file, html ? WEB_PAGE : 'it has no directory, so it is cut short or something else');
  }
  const end = {
    count: view.getUint16(at + 10, true),
    size: view.getUint32(at + 12, true),
    start: view.getUint32(at + 16, true),
  };
  if (at < 20 || view.getUint32(at - 20, true) !== LOCATOR64) return end;
  const record = viewOf(await file.read(Number(view.getBigUint64(at - 12, true)), 56));
  if (record.getUint32(0, true) !== END64) throw notZip(file, 'its zip64 directory is damaged');
  const [count, size, start] = [32, 40, 48].map((offset) => Number(record.getBigUint64(offset, true)));
  return { count: count!, size: size!, start: start! };
}

function checked(file: RandomAccess, view: DataView, at: number, name: string, extra: Uint8Array): ZipEntry {
  const method = view.getUint16(at + 10, true);
  if ((view.getUint16(at + 8, true) & 1) === 1 || (method !== 0 && method !== 8)) {
    throw new DatasetError(
      'DATASETS_UNSUPPORTED_ARCHIVE',
      `'${name}' in ${file.name} is encrypted or packed with method ${method}; only stored and deflated entries are read.`,
    );
  }
  checkPath(name, file.name);
  const old = [24, 20, 42].map((offset) => view.getUint32(at + offset, true));
  const [size, packed, header] = widen(old, extra);
  return { name, method, crc32: view.getUint32(at + 16, true), size: size!, packed: packed!, header: header! };
}

/** @throws DatasetError `DATASETS_UNSAFE_ARCHIVE` */
export function checkPath(name: string, archive: string): void {
  const absolute = /^([/\\]|[a-zA-Z]:)/.test(name);
  if (!absolute && !name.includes('\0') && !name.split(/[/\\]/).includes('..')) return;
  throw new DatasetError(
    'DATASETS_UNSAFE_ARCHIVE',
    `'${name}' in ${archive} would be written outside of the folder it is unpacked into; do not trust this archive.`,
  );
}

/** Replaces the values that did not fit into 32 bits by those of the zip64 extra field, which lists just these, in order. */
function widen(values: readonly number[], extra: Uint8Array): number[] {
  const view = viewOf(extra);
  for (let at = 0; at + 4 <= extra.length; at += 4 + view.getUint16(at + 2, true)) {
    if (view.getUint16(at, true) !== 1) continue;
    let next = at + 4;
    return values.map((value) => {
      if (value !== SEE_64) return value;
      next += 8;
      return Number(view.getBigUint64(next - 8, true));
    });
  }
  return [...values];
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function notZip(file: { name: string }, why: string): DatasetError {
  return new DatasetError('DATASETS_NOT_ZIP', `${file.name} is not a whole zip archive: ${why}.`);
}
