import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, rename, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createInflateRaw } from 'node:zlib';
import { EngineError } from '../errors.ts';

/** A file inside a wheel. */
export interface WheelEntry {
  name: string;
  /** Bytes when unpacked. */
  size: number;
  compressedSize: number;
  /** 0 is stored, 8 is deflated. */
  method: number;
  headerOffset: number;
}

/** A Python wheel (a zip file), read entry by entry, so that no more of it than needed is ever unpacked. */
export interface Wheel {
  file: string;
  entries: Map<string, WheelEntry>;
  /** SHA-256 of every file, from the wheel's own RECORD. */
  hashes: Map<string, string>;
  /** A small file as text. */
  text(name: string): Promise<string>;
  /** Unpacks a file and compares its hash with the RECORD; `onBytes` is told of each portion. */
  extract(name: string, target: string, onBytes?: (count: number) => void): Promise<void>;
}

/** Opens a wheel. Throws `ENGINE_BAD_WHEEL` for anything but a whole wheel. */
export async function openWheel(file: string): Promise<Wheel> {
  const handle = await open(file, 'r').catch((cause: unknown) => {
    throw new EngineError('ENGINE_BAD_WHEEL', `The wheel ${file} cannot be opened; check the path.`, { cause });
  });
  let entries: Map<string, WheelEntry>;
  try {
    entries = await readDirectory(handle, file);
  } finally {
    await handle.close();
  }
  const record = [...entries.keys()].find((name) => /^[^/]+\.dist-info\/RECORD$/.test(name));
  if (record === undefined) throw bad(file, 'it has no RECORD, so it is no Python wheel');
  const wheel: Wheel = {
    file,
    entries,
    hashes: new Map(),
    async text(name) {
      const chunks: Buffer[] = [];
      const stream = await contents(wheel, name);
      try {
        for await (const chunk of stream) chunks.push(chunk as Buffer);
      } catch (cause) {
        throw damaged(file, name, cause);
      }
      return Buffer.concat(chunks).toString('utf8');
    },
    async extract(name, target, onBytes) {
      await mkdir(dirname(target), { recursive: true });
      const hash = createHash('sha256');
      const counter = new Transform({
        transform(chunk: Buffer, _encoding, done) {
          hash.update(chunk);
          onBytes?.(chunk.length);
          done(null, chunk);
        },
      });
      const partial = `${target}.partial`;
      try {
        await pipeline(await contents(wheel, name), counter, createWriteStream(partial));
      } catch (cause) {
        throw damaged(file, name, cause);
      }
      const expected = wheel.hashes.get(name);
      if (expected !== hash.digest('base64url'))
        throw bad(file, `${name} does not have the hash that its RECORD states`);
      await rename(partial, target);
    },
  };
  for (const line of (await wheel.text(record)).split('\n')) {
    const match = /^"?(.+?)"?,sha256=([\w-]+),\d+\s*$/.exec(line);
    if (match !== null) wheel.hashes.set(match[1]!, match[2]!);
  }
  return wheel;
}

/** The unpacked bytes of an entry. */
async function contents(wheel: Wheel, name: string): Promise<NodeJS.ReadableStream> {
  const entry = wheel.entries.get(name);
  if (entry === undefined) throw bad(wheel.file, `it lacks ${name}`);
  const handle = await open(wheel.file, 'r');
  let start: number;
  try {
    const header = await bytes(handle, wheel.file, entry.headerOffset, 30);
    if (header.readUInt32LE(0) !== 0x04034b50) throw bad(wheel.file, `the header of ${name} is damaged`);
    start = entry.headerOffset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
  } finally {
    await handle.close();
  }
  const raw = createReadStream(wheel.file, { start, end: Math.max(start, start + entry.compressedSize - 1) });
  if (entry.method === 0) return raw;
  if (entry.method !== 8) throw bad(wheel.file, `${name} is compressed by an unknown method (${entry.method})`);
  const inflate = createInflateRaw();
  raw.on('error', (error) => inflate.destroy(error));
  inflate.on('error', () => raw.destroy());
  return raw.pipe(inflate);
}

/** The central directory, which stands at the end of a zip file. */
async function readDirectory(handle: FileHandle, file: string): Promise<Map<string, WheelEntry>> {
  const { size } = await handle.stat();
  const tailLength = Math.min(size, 65_557);
  const tail = await bytes(handle, file, size - tailLength, tailLength);
  const end = tail.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]));
  if (end === -1) throw bad(file, 'its end is missing: it is truncated, or no zip file');
  const length = tail.readUInt32LE(end + 12);
  const offset = tail.readUInt32LE(end + 16);
  if (offset + length > size) throw bad(file, 'its directory is damaged');
  const directory = await bytes(handle, file, offset, length);
  const entries = new Map<string, WheelEntry>();
  for (let at = 0; at + 46 <= directory.length;) {
    if (directory.readUInt32LE(at) !== 0x02014b50) throw bad(file, 'its directory is damaged');
    const nameLength = directory.readUInt16LE(at + 28);
    const name = directory.toString('utf8', at + 46, at + 46 + nameLength);
    entries.set(name, {
      name,
      method: directory.readUInt16LE(at + 10),
      compressedSize: directory.readUInt32LE(at + 20),
      size: directory.readUInt32LE(at + 24),
      headerOffset: directory.readUInt32LE(at + 42),
    });
    at += 46 + nameLength + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
  return entries;
}

async function bytes(handle: FileHandle, file: string, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await handle.read(buffer, 0, length, position);
  if (bytesRead !== length) throw bad(file, 'it ends too early');
  return buffer;
}

/** What zlib has to say about an entry, as an error of the wheel; anything else stays what it is. */
function damaged(file: string, name: string, cause: unknown): unknown {
  const { code, message } = cause as NodeJS.ErrnoException;
  return code?.startsWith('Z_') ? bad(file, `${name} is damaged (${message})`, cause) : cause;
}

function bad(file: string, why: string, cause?: unknown): EngineError {
  const message = `The wheel ${file} cannot be used: ${why}. Delete it and download it again.`;
  return new EngineError('ENGINE_BAD_WHEEL', message, { cause });
}
