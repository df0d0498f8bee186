import { invalidArgument } from '@missing-u/errors';
import { downloadFor, type CachedFile, type DownloadOptions } from './download/download.ts';
import { WeightsError } from './errors.ts';
import { nodeModule } from './node.ts';

/** Bytes that can be read piece by piece: a file, a blob or memory. */
export interface ByteSource {
  /** What to call it in messages. */
  readonly name: string;
  /** Bytes in all. */
  readonly size: number;
  /** The bytes from `start` up to `end`, exclusive. */
  read(start: number, end: number): Promise<Uint8Array<ArrayBuffer>>;
  close(): Promise<void>;
}

/**
 * Where weights come from: a file's path (Node), a `file:` URL (Node), an `http(s):` URL or `hf://owner/name/file` (downloaded
 * once and cached), bytes in memory, a `Blob` or `File` (browsers), or what `download` returned.
 */
export type Source = string | URL | ArrayBuffer | Uint8Array<ArrayBuffer> | Blob | CachedFile;

/** Opens a source; the caller closes it. */
export async function openSource(source: Source, options: DownloadOptions = {}): Promise<ByteSource> {
  if (source instanceof ArrayBuffer) return bytesSource(new Uint8Array(source));
  if (source instanceof Uint8Array) return bytesSource(source);
  if (source instanceof Blob) return blobSource(source);
  if (source instanceof URL || typeof source === 'string') {
    if (isRemote(source)) return openSource(await downloadFor(source, options), options);
    return fileSource(source);
  }
  if (typeof source === 'object' && source !== null) {
    if (source.path !== undefined) return fileSource(source.path);
    if (source.blob !== undefined) return blobSource(source.blob);
  }
  throw new WeightsError(
    'WEIGHTS_BAD_SOURCE',
    invalidArgument({
      argument: 'source',
      value: source,
      allowed: 'a path, URL, ArrayBuffer, Uint8Array, Blob or CachedFile',
    }),
  );
}

/** Runs `use` on an open source, and closes it whatever happens. */
export async function withSource<T>(
  source: Source,
  options: DownloadOptions,
  use: (source: ByteSource) => Promise<T>,
): Promise<T> {
  const open = await openSource(source, options);
  try {
    return await use(open);
  } finally {
    await open.close();
  }
}

/** What is wrong with a source of no bytes, whatever its format was to be. */
export const EMPTY = 'it is empty (0 bytes), as after a download or a copy that was interrupted; get it again';

/** The same place with another file name: the shards beside an index. */
export function siblingOf(source: string | URL, name: string): string | URL {
  if (isRemote(source) || source instanceof URL) return new URL(name, source);
  return source.replace(/[^/\\]*$/, '') + name;
}

function isRemote(source: string | URL): boolean {
  return /^(https?|hf):/.test(String(source));
}

function bytesSource(bytes: Uint8Array<ArrayBuffer>): ByteSource {
  const read = (start: number, end: number) => Promise.resolve(bytes.subarray(start, end));
  return { name: 'the given bytes', size: bytes.byteLength, read, close: () => Promise.resolve() };
}

function blobSource(blob: Blob): ByteSource {
  const read = async (start: number, end: number) => new Uint8Array(await blob.slice(start, end).arrayBuffer());
  const name = 'name' in blob && typeof blob.name === 'string' ? blob.name : 'the given blob';
  return { name, size: blob.size, read, close: () => Promise.resolve() };
}

async function fileSource(path: string | URL): Promise<ByteSource> {
  const fs = nodeModule('node:fs/promises');
  if (fs === undefined) {
    throw new WeightsError(
      'WEIGHTS_NO_FILES',
      `There is no file system here to open '${String(path)}'; give a URL, a File from an <input>, or the bytes.`,
    );
  }
  const file = await fs.open(path).catch((cause: unknown) => {
    throw new WeightsError('WEIGHTS_NO_SUCH_FILE', `Cannot open '${String(path)}': ${(cause as Error).message}.`, {
      cause,
    });
  });
  const state = await file.stat();
  if (state.isDirectory()) {
    await file.close();
    throw new WeightsError('WEIGHTS_BAD_SOURCE', `'${String(path)}' is a folder; name a file in it.`);
  }
  const { size } = state;
  return {
    name: String(path),
    size,
    async read(start, end) {
      const bytes = uninitialised(end - start);
      await inPieces(bytes.byteLength, async (from, to) => {
        for (let done = from; done < to;) {
          const { bytesRead } = await file.read(bytes, done, to - done, start + done);
          if (bytesRead === 0)
            throw new WeightsError('WEIGHTS_TRUNCATED', `${String(path)} ended while it was being read.`);
          done += bytesRead;
        }
      });
      return bytes;
    },
    close: () => file.close(),
  };
}

const pieceSize = 2 ** 25;

/** Two pieces of a large tensor at a time: a thread alone is held up by mapping the new memory. All have ended when one fails. */
async function inPieces(length: number, read: (from: number, to: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < length) {
      const from = next;
      next = Math.min(length, next + pieceSize);
      await read(from, next);
    }
  };
  const ends = await Promise.allSettled([worker(), worker()]);
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

/** Memory that is not cleared first: clearing it costs as much as filling it. */
function uninitialised(length: number): Uint8Array<ArrayBuffer> {
  const buffer = Buffer.allocUnsafeSlow(length);
  return new Uint8Array(buffer.buffer, buffer.byteOffset, length);
}
