import { DatasetError } from '../errors.ts';
import { cannotRead, isMissing } from '../files/disk.ts';
import { dataStart, LOCAL_HEADER } from '../formats/zip.ts';
import { nodeModule } from '../platform.ts';

/** Where encoded pictures lie on disk, as data that can be sent to a worker. */
export type StoreSpec = FilesSpec | RangesSpec | JoinedSpec;

/** One file each. */
export interface FilesSpec {
  readonly kind: 'files';
  readonly folder: string;
  /** Relative to the folder. */
  readonly names: readonly string[];
}

/** Parts of one file: entries of a zip archive, values of a database. */
export interface RangesSpec {
  readonly kind: 'ranges';
  readonly file: string;
  readonly starts: Float64Array;
  readonly sizes: Uint32Array;
  /** For a zip archive, whose `starts` are those of local headers: how each entry is packed, and its CRC-32. */
  readonly zip?: { readonly deflated: Uint8Array; readonly crcs: Uint32Array };
}

/** Several stores, one after the other. */
export interface JoinedSpec {
  readonly kind: 'joined';
  readonly parts: readonly StoreSpec[];
}

/** Pictures in a store. */
export function storeLength(spec: StoreSpec): number {
  if (spec.kind === 'joined') return spec.parts.reduce((sum, part) => sum + storeLength(part), 0);
  return spec.kind === 'files' ? spec.names.length : spec.starts.length;
}

/**
 * Reads pictures of a store. Reading is synchronous, because it is done where decoding is: in a worker, or on the thread
 * that was told to do without.
 */
export interface Store {
  read(row: number): Uint8Array;
  close(): void;
}

/** @throws DatasetError `DATASETS_UNREADABLE`, `DATASETS_MISSING_FILE`, `DATASETS_TRUNCATED` */
export function openStore(spec: StoreSpec): Store {
  if (spec.kind === 'joined') return joinedStore(spec);
  return spec.kind === 'files' ? filesStore(spec) : rangesStore(spec);
}

function joinedStore({ parts }: JoinedSpec): Store {
  const stores = parts.map((part) => ({ store: openStore(part), length: storeLength(part) }));
  return {
    read(row) {
      let start = 0;
      for (const { store, length } of stores) {
        if (row < start + length) return store.read(row - start);
        start += length;
      }
      throw new RangeError(`there is no row ${row}`);
    },
    close() {
      for (const { store } of stores) store.close();
    },
  };
}

function filesStore({ folder, names }: FilesSpec): Store {
  const fs = nodeModule('node:fs');
  const path = nodeModule('node:path');
  return {
    read(row) {
      const full = path.join(folder, names[row]!);
      try {
        return fs.readFileSync(full);
      } catch (cause) {
        if (!isMissing(cause)) throw cannotRead(full, cause);
        throw new DatasetError('DATASETS_MISSING_FILE', `${full} is no longer there.`, { cause });
      }
    },
    close: () => undefined,
  };
}

function rangesStore({ file, starts, sizes, zip }: RangesSpec): Store {
  const fs = nodeModule('node:fs');
  // Opened at the first read: a data set that is only looked at, or read by workers alone, holds no file.
  let handle: number | undefined;
  let closed = false;
  const open = () => {
    if (closed) throw new DatasetError('DATASETS_CLOSED', `The data set of ${file} was closed; open it again.`);
    try {
      return fs.openSync(file, 'r');
    } catch (cause) {
      throw cannotRead(file, cause);
    }
  };
  const readAt = (start: number, length: number): Uint8Array => {
    handle ??= open();
    const bytes = Buffer.allocUnsafeSlow(length);
    for (let done = 0; done < length;) {
      const count = fs.readSync(handle, bytes, done, length - done, start + done);
      if (count === 0) throw new DatasetError('DATASETS_TRUNCATED', `${file} is cut short; fetch it again.`);
      done += count;
    }
    return bytes;
  };
  return {
    read(row) {
      const [start, size] = [starts[row]!, sizes[row]!];
      if (zip === undefined) return readAt(start, size);
      const packed = readAt(dataStart(start, readAt(start, LOCAL_HEADER), file), size);
      return unpacked(packed, zip.deflated[row] === 1, zip.crcs[row]!, file);
    },
    close() {
      closed = true;
      if (handle !== undefined) fs.closeSync(handle);
      handle = undefined;
    },
  };
}

function unpacked(packed: Uint8Array, deflated: boolean, crc: number, file: string): Uint8Array {
  const zlib = nodeModule('node:zlib');
  try {
    const bytes = deflated ? zlib.inflateRawSync(packed) : packed;
    if (zlib.crc32(bytes) === crc) return bytes;
  } catch (cause) {
    throw new DatasetError('DATASETS_CORRUPT_IMAGE', `An entry of ${file} is damaged: ${(cause as Error).message}.`, {
      cause,
    });
  }
  throw new DatasetError('DATASETS_CORRUPT_IMAGE', `An entry of ${file} is damaged: its checksum is wrong.`);
}
