import { closeSync, fsyncSync, ftruncateSync, openSync, readSync, renameSync, statSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { outputError, removeQuietly } from './files.ts';

/**
 * Writes one array of bytes as an `.npz` file (a zip archive with one stored `.npy` in it), part by part, so that it never lies
 * in memory as a whole. It replaces `path` in one step at the end.
 *
 * @param parts the bytes of the array in C order, in any pieces
 */
export function writeNpzArray(path: string, name: string, shape: readonly number[], parts: Iterable<Uint8Array>): void {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const file = openSync(temporary, 'w');
    try {
      const entry = Buffer.from(`${name}.npy`);
      const header = npyHeader(shape);
      const size = header.length + shape.reduce((product, side) => product * side, 1);
      let crc = crc32(header);
      writeSync(file, localHeader(entry, 0, size));
      writeSync(file, header);
      for (const part of parts) {
        crc = crc32(part, crc);
        for (let written = 0; written < part.length;) written += writeSync(file, part, written);
      }
      const directory = centralDirectory(entry, crc, size);
      writeSync(file, Buffer.concat([directory, endOfArchive(directory.length, 30 + entry.length + size)]));
      // The checksum stands before the data that it is of.
      writeSync(file, localHeader(entry, crc, size), 0, 30, 0);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    removeQuietly(temporary);
    throw outputError(path, error);
  }
}

/** `numpy.lib.format`, version 1.0, of unsigned bytes in C order. */
function npyHeader(shape: readonly number[]): Buffer {
  const text = `{'descr': '|u1', 'fortran_order': False, 'shape': (${shape.join(', ')}${shape.length === 1 ? ',' : ''}), }`;
  const length = Math.ceil((10 + text.length + 1) / 64) * 64 - 10;
  const head = Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, 0, 0]);
  head.writeUInt16LE(length, 8);
  return Buffer.concat([head, Buffer.from(`${text.padEnd(length - 1)}\n`)]);
}

function localHeader(name: Buffer, crc: number, size: number): Buffer {
  const head = Buffer.alloc(30);
  head.writeUInt32LE(0x04034b50, 0);
  head.writeUInt16LE(20, 4);
  head.writeUInt32LE(0x00210000, 10); // 1 January 1980, as the archive shall depend on the pictures alone
  head.writeUInt32LE(crc, 14);
  head.writeUInt32LE(size, 18);
  head.writeUInt32LE(size, 22);
  head.writeUInt16LE(name.length, 26);
  return Buffer.concat([head, name]);
}

function centralDirectory(name: Buffer, crc: number, size: number): Buffer {
  const head = Buffer.alloc(46);
  head.writeUInt32LE(0x02014b50, 0);
  head.writeUInt16LE(20, 4);
  localHeader(name, crc, size).copy(head, 6, 4, 30);
  return Buffer.concat([head, name]);
}

function endOfArchive(directorySize: number, directoryStart: number): Buffer {
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(directorySize, 12);
  end.writeUInt32LE(directoryStart, 16);
  return end;
}

/** Bytes that are added at the end of a file as they are made, and are still there after a kill. */
export class ByteFile {
  readonly #file: number;
  #length: number;

  /** Opens or makes the file, and cuts a last record that was not written whole. */
  constructor(path: string, recordSize: number) {
    try {
      this.#file = openSync(path, 'a+');
      this.#length = Math.floor(statSync(path).size / recordSize) * recordSize;
      ftruncateSync(this.#file, this.#length);
    } catch (error) {
      throw outputError(path, error);
    }
  }

  get length(): number {
    return this.#length;
  }

  append(bytes: Uint8Array): void {
    for (let written = 0; written < bytes.length;) written += writeSync(this.#file, bytes, written);
    this.#length += bytes.length;
  }

  /** The bytes from the start, at most `count`, in pieces. */
  *read(count = this.#length): Generator<Uint8Array> {
    const piece = new Uint8Array(2 ** 20);
    for (let start = 0; start < count;) {
      const size = readSync(this.#file, piece, 0, Math.min(piece.length, count - start), start);
      if (size === 0) return;
      yield piece.subarray(0, size);
      start += size;
    }
  }

  close(): void {
    closeSync(this.#file);
  }
}
