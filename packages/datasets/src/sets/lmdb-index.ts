import { DatasetError } from '../errors.ts';
import { writeAtomically } from '../files/atomic.ts';
import { withFile, type RandomAccess } from '../files/random-access.ts';
import { indexLmdb, readMeta, type LmdbIndex } from '../formats/lmdb.ts';
import { nodeModule } from '../platform.ts';

/** Making an index of fewer entries takes no time worth a file. */
const WORTH_KEEPING = 20_000;

const MAGIC = 'missing-u lmdb index 1\n';

/**
 * The index of an LMDB file: read from `missing-u.index` beside it where that was made of this very state of the database,
 * and else made anew and, if the folder can be written, kept there. The file is plain numbers with a hash over them.
 */
export async function openLmdbIndex(file: string, { keep = WORTH_KEEPING } = {}): Promise<LmdbIndex> {
  const path = nodeModule('node:path');
  const kept = path.join(path.dirname(file), 'missing-u.index');
  return withFile(file, async (database) => {
    const { transaction } = await readMeta(database);
    const found = await readKept(kept, database, transaction);
    if (found !== undefined) return found;
    const index = await indexLmdb(database);
    if (index.starts.length >= keep) await writeKept(kept, database, index);
    return index;
  });
}

interface Header {
  readonly transaction: number;
  readonly size: number;
  readonly entries: number;
  readonly keyBytes: number;
  readonly sha256: string;
}

async function readKept(path: string, database: RandomAccess, transaction: number): Promise<LmdbIndex | undefined> {
  const bytes = await nodeModule('node:fs')
    .promises.readFile(path)
    .catch(() => undefined);
  const end = bytes?.indexOf('\n', MAGIC.length) ?? -1;
  if (bytes === undefined || end === -1 || bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) return undefined;
  const header = parseHeader(bytes.toString('latin1', MAGIC.length, end));
  const body = bytes.subarray(end + 1);
  if (header?.transaction !== transaction || header.size !== database.size) return undefined;
  const { entries, keyBytes } = header;
  if (body.length !== 16 * entries + keyBytes || sha256(body) !== header.sha256) return undefined;
  const starts = new Float64Array(new SharedArrayBuffer(8 * entries));
  const sizes = new Uint32Array(new SharedArrayBuffer(4 * entries));
  const keyEnds = new Uint32Array(entries);
  let at = 0;
  for (const part of [starts, sizes, keyEnds]) {
    bytesOf(part).set(body.subarray(at, (at += part.byteLength)));
  }
  return { transaction, starts, sizes, keyEnds, keys: new Uint8Array(body.subarray(at)) };
}

function parseHeader(text: string): Header | undefined {
  try {
    return JSON.parse(text) as Header;
  } catch {
    return undefined;
  }
}

async function writeKept(path: string, database: RandomAccess, index: LmdbIndex): Promise<void> {
  const parts = [index.starts, index.sizes, index.keyEnds, index.keys].map(bytesOf);
  const body = Buffer.concat(parts);
  const header: Header = {
    transaction: index.transaction,
    size: database.size,
    entries: index.starts.length,
    keyBytes: index.keys.length,
    sha256: sha256(body),
  };
  try {
    await writeAtomically(path, async (append) => {
      await append(Buffer.from(`${MAGIC}${JSON.stringify(header)}\n`));
      await append(body);
    });
  } catch (error) {
    // A read-only folder or a full disk costs the next start some seconds, no more.
    if (!(error instanceof DatasetError)) throw error;
  }
}

function bytesOf(part: { buffer: ArrayBufferLike; byteOffset: number; byteLength: number }): Uint8Array {
  return new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
}

function sha256(bytes: Uint8Array): string {
  return nodeModule('node:crypto').createHash('sha256').update(bytes).digest('hex');
}
