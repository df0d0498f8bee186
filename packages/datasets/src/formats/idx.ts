import { show } from '@missing-u/errors';
import { DatasetError } from '../errors.ts';

/** An IDX file: numbers of one type in an array of any rank. */
export interface IdxArray {
  shape: readonly number[];
  data: Uint8Array | Int8Array | Int16Array | Int32Array | Float32Array | Float64Array;
}

type Reader = (view: DataView, count: number) => IdxArray['data'];

/** By the third byte of the file: how wide a number is, and how to read them. Numbers are big-endian. */
const TYPES: Readonly<Record<number, { width: number; read: Reader }>> = {
  0x08: { width: 1, read: (view, count) => new Uint8Array(view.buffer, view.byteOffset, count) },
  0x09: { width: 1, read: (view, count) => new Int8Array(view.buffer, view.byteOffset, count) },
  0x0b: { width: 2, read: (view, count) => collect(new Int16Array(count), (i) => view.getInt16(2 * i)) },
  0x0c: { width: 4, read: (view, count) => collect(new Int32Array(count), (i) => view.getInt32(4 * i)) },
  0x0d: { width: 4, read: (view, count) => collect(new Float32Array(count), (i) => view.getFloat32(4 * i)) },
  0x0e: { width: 8, read: (view, count) => collect(new Float64Array(count), (i) => view.getFloat64(8 * i)) },
};

/**
 * Reads the IDX format of MNIST (Y. LeCun, "THE IDX FILE FORMAT", the MNIST page): two zero bytes, a type, a rank, the
 * sizes, the numbers; all big-endian. The file has to be exactly as long as its header says.
 *
 * @param name what to call the file in messages
 * @param rank the rank it has to have, if any
 * @throws DatasetError `DATASETS_NOT_IDX`, `DATASETS_TRUNCATED`, `DATASETS_TRAILING_BYTES`
 */
export function parseIdx(bytes: Uint8Array, name = 'the IDX file', rank?: number): IdxArray {
  const type = TYPES[bytes[2] ?? -1];
  const found = bytes[3] ?? 0;
  if (bytes[0] !== 0 || bytes[1] !== 0 || type === undefined || found === 0) {
    throw new DatasetError(
      'DATASETS_NOT_IDX',
      `${name} is not an IDX file: it begins with ${beginning(bytes)}, where 00 00, a type (08, 09, 0b .. 0e) and a rank belong.`,
    );
  }
  if (rank !== undefined && found !== rank) {
    throw new DatasetError(
      'DATASETS_NOT_IDX',
      `${name} holds an array of rank ${found}, but rank ${rank} is needed; are images and labels swapped?`,
    );
  }
  const header = 4 + 4 * found;
  if (bytes.length < header) throw truncated(name, bytes.length, header);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: found }, (_, axis) => view.getUint32(4 + 4 * axis));
  const count = shape.reduce((product, size) => product * size, 1);
  const expected = header + count * type.width;
  if (bytes.length < expected) throw truncated(name, bytes.length, expected);
  if (bytes.length > expected) {
    throw new DatasetError(
      'DATASETS_TRAILING_BYTES',
      `${name} has ${bytes.length} bytes, but its header ${show(shape)} accounts for ${expected}; it is not the file it says it is.`,
    );
  }
  return { shape, data: type.read(new DataView(bytes.buffer, bytes.byteOffset + header), count) };
}

function collect<T extends { [index: number]: number; length: number }>(out: T, at: (index: number) => number): T {
  for (let i = 0; i < out.length; i++) out[i] = at(i);
  return out;
}

function beginning(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'nothing (it is empty)';
  return Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
}

function truncated(name: string, length: number, expected: number): DatasetError {
  return new DatasetError(
    'DATASETS_TRUNCATED',
    `${name} is cut short: it has ${length} of ${expected} bytes; fetch it again.`,
  );
}
