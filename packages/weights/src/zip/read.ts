import { WeightsError } from '../errors.ts';
import { EMPTY, type ByteSource } from '../source.ts';
import { crc32 } from './crc32.ts';

/** A zip file of which the directory has been read. */
export interface ZipFile {
  readonly names: readonly string[];
  /** The content of a file, inflated and checked against its CRC. */
  read(name: string): Promise<Uint8Array<ArrayBuffer>>;
}

interface ZipEntry {
  readonly method: number;
  readonly flags: number;
  readonly crc: number;
  readonly compressedSize: number;
  readonly size: number;
  readonly offset: number;
}

/** Signatures and sizes of APPNOTE.TXT 6.3.10, sections 4.3.7 to 4.3.16. */
const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const END_64 = 0x06064b50;
const LOCATOR_64 = 0x07064b50;
const STORED = 0;
const DEFLATED = 8;
/** Deflate cannot shrink more than 1032 times; a file that claims more is a bomb. */
const MAX_RATIO = 1032;

export async function isZip(source: ByteSource): Promise<boolean> {
  if (source.size < 4) return false;
  const bytes = await source.read(0, 4);
  return view(bytes).getUint32(0, true) === LOCAL;
}

export async function openZip(source: ByteSource): Promise<ZipFile> {
  const refuse = (what: string): never => {
    throw new WeightsError('WEIGHTS_BAD_ZIP', `${source.name} is not a sound zip file: ${what}.`);
  };
  if (source.size === 0) refuse(EMPTY);
  const entries = await readDirectory(source, refuse);
  return {
    names: [...entries.keys()],
    async read(name) {
      const entry = entries.get(name) ?? refuse(`it does not contain ${name}`);
      if (entry.flags & 1) refuse(`${name} is encrypted`);
      if (entry.offset + 30 > source.size) refuse(`${name} begins beyond its end`);
      const local = view(await source.read(entry.offset, entry.offset + 30));
      if (local.getUint32(0, true) !== LOCAL) refuse(`${name} is not where the directory says`);
      const start = entry.offset + 30 + local.getUint16(26, true) + local.getUint16(28, true);
      if (start + entry.compressedSize > source.size) refuse(`${name} is cut off`);
      const stored = await source.read(start, start + entry.compressedSize);
      let bytes = stored;
      if (entry.method === DEFLATED) {
        if (entry.size > (entry.compressedSize + 1) * MAX_RATIO) refuse(`${name} claims to hold ${entry.size} bytes`);
        bytes = await inflate(stored, entry.size).catch(() =>
          refuse(`${name} cannot be inflated to ${entry.size} bytes`),
        );
      } else if (entry.method !== STORED) {
        refuse(`${name} is compressed by method ${entry.method}; stored and deflated files are read`);
      }
      if (bytes.length !== entry.size || crc32(bytes) !== entry.crc) refuse(`${name} is damaged: its checksum differs`);
      return bytes;
    },
  };
}

async function readDirectory(source: ByteSource, refuse: (what: string) => never): Promise<Map<string, ZipEntry>> {
  // The end record is followed by a comment of up to 65,535 bytes; it is searched from the end of the file.
  const tailStart = Math.max(0, source.size - 22 - 65535 - 20);
  const tail = view(await source.read(tailStart, source.size));
  let end = tail.byteLength - 22;
  while (end >= 0 && tail.getUint32(end, true) !== END) end--;
  if (end < 0) refuse('its directory is missing; truncated?');
  let count = tail.getUint16(end + 10, true);
  let size = tail.getUint32(end + 12, true);
  let offset = tail.getUint32(end + 16, true);
  if (end >= 20 && tail.getUint32(end - 20, true) === LOCATOR_64) {
    const at = Number(tail.getBigUint64(end - 12, true));
    if (at + 56 > source.size) refuse('its 64-bit directory is out of range');
    const end64 = view(await source.read(at, at + 56));
    if (end64.getUint32(0, true) !== END_64) refuse('its 64-bit directory is missing');
    count = Number(end64.getBigUint64(32, true));
    size = Number(end64.getBigUint64(40, true));
    offset = Number(end64.getBigUint64(48, true));
  }
  if (offset + size > source.size) refuse('its directory is out of range');
  const directory = view(await source.read(offset, offset + size));
  const entries = new Map<string, ZipEntry>();
  let position = 0;
  for (let i = 0; i < count; i++) {
    if (position + 46 > size || directory.getUint32(position, true) !== CENTRAL) refuse('its directory is cut off');
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((at) =>
      directory.getUint16(position + at, true),
    ) as [number, number, number];
    const next = position + 46 + nameLength + extraLength + commentLength;
    if (next > size) refuse('its directory is cut off');
    const name = new TextDecoder().decode(
      new Uint8Array(directory.buffer, directory.byteOffset + position + 46, nameLength),
    );
    if (entries.has(name)) refuse(`${name} occurs twice`);
    entries.set(name, entryAt(directory, position, position + 46 + nameLength, extraLength));
    position = next;
  }
  return entries;
}

/** A directory entry; sizes of all ones stand for the 64-bit numbers in its extra field 1. */
function entryAt(directory: DataView, at: number, extraStart: number, extraLength: number): ZipEntry {
  const wide: number[] = [];
  for (let extra = extraStart; extra + 4 <= extraStart + extraLength;) {
    const [id, length] = [directory.getUint16(extra, true), directory.getUint16(extra + 2, true)];
    if (id === 1)
      for (let i = 0; i + 8 <= length; i += 8) wide.push(Number(directory.getBigUint64(extra + 4 + i, true)));
    extra += 4 + length;
  }
  const widen = (value: number) => (value === 0xffffffff ? (wide.shift() ?? value) : value);
  const size = widen(directory.getUint32(at + 24, true));
  const compressedSize = widen(directory.getUint32(at + 20, true));
  const offset = widen(directory.getUint32(at + 42, true));
  return {
    flags: directory.getUint16(at + 8, true),
    method: directory.getUint16(at + 10, true),
    crc: directory.getUint32(at + 16, true),
    compressedSize,
    size,
    offset,
  };
}

/** Inflates to exactly `size` bytes, and stops as soon as there are more. */
async function inflate(bytes: Uint8Array<ArrayBuffer>, size: number): Promise<Uint8Array<ArrayBuffer>> {
  const out = new Uint8Array(size);
  let position = 0;
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  const reader = stream.getReader();
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    out.set(piece.value, position);
    position += piece.value.length;
  }
  if (position !== size) throw new RangeError('too short');
  return out;
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
