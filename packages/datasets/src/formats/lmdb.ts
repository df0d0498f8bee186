import { DatasetError } from '../errors.ts';
import type { RandomAccess } from '../files/random-access.ts';

/** Where the values of an LMDB database lie in its file, in the order of the keys. */
export interface LmdbIndex {
  /** Number of the transaction that wrote this state: another one, another index. */
  readonly transaction: number;
  readonly starts: Float64Array;
  readonly sizes: Uint32Array;
  /** All keys one after the other, and where each ends. */
  readonly keys: Uint8Array;
  readonly keyEnds: Uint32Array;
}

const MAGIC = 0xbeefc0de;
const VERSION = 1;
const PAGE_HEADER = 16;
/** Bytes of a meta page that mean something. */
const META_END = 152;
const [BRANCH, LEAF, OVERFLOW] = [1, 2, 4];
/** The value lies on pages of its own. */
const BIG_DATA = 1;
const NO_PAGE = 2n ** 64n - 1n;

interface Meta {
  readonly pageSize: number;
  readonly depth: number;
  readonly entries: number;
  readonly root: bigint;
  readonly transaction: number;
  readonly pages: number;
}

/**
 * Finds every value of the main database of an LMDB file (`data.mdb`, format version 1, as liblmdb 0.9 writes it on 64-bit
 * little-endian machines; layout from `mdb.c`), without a lock file and without mapping the file: it only reads, so folders
 * may be read-only, and a file that is cut short is an error here where a memory map would kill the process. Values on pages
 * of their own, as pictures mostly are, are not touched.
 *
 * @throws DatasetError `DATASETS_NOT_LMDB`, `DATASETS_TRUNCATED`, `DATASETS_CORRUPT_LMDB`
 */
export async function indexLmdb(file: RandomAccess): Promise<LmdbIndex> {
  const meta = await readMeta(file);
  if (meta.pages * meta.pageSize > file.size) throw truncated(file, meta.pages * meta.pageSize);
  const starts = new Float64Array(new SharedArrayBuffer(8 * meta.entries));
  const sizes = new Uint32Array(new SharedArrayBuffer(4 * meta.entries));
  const keyEnds = new Uint32Array(meta.entries);
  let keys = new Uint8Array(48 * meta.entries);
  let count = 0;
  let keyEnd = 0;

  const add = (key: Uint8Array, start: number, size: number) => {
    if (count === meta.entries) throw corrupt(file, `it has more than the ${meta.entries} entries it speaks of`);
    if (start + size > file.size) throw truncated(file, start + size);
    if (keyEnd + key.length > keys.length) {
      const larger = new Uint8Array(2 * keys.length + key.length);
      larger.set(keys);
      keys = larger;
    }
    keys.set(key, keyEnd);
    keyEnd += key.length;
    starts[count] = start;
    sizes[count] = size;
    keyEnds[count++] = keyEnd;
  };

  const visit = async (number: bigint, depth: number): Promise<void> => {
    if (depth > meta.depth) throw corrupt(file, 'its tree is deeper than it says');
    const page = await readPage(file, number, meta.pageSize);
    const isBranch = (page.flags & BRANCH) !== 0;
    if (!isBranch && (page.flags & LEAF) === 0) throw corrupt(file, `page ${number} is not part of a tree`);
    for (const node of nodesOf(file, page)) {
      if (isBranch) await visit(node.child, depth + 1);
      else if (node.flags === 0) add(node.key, page.start + node.data, node.size);
      else if (node.flags === BIG_DATA) {
        const first = page.view.getBigUint64(node.data, true);
        const header = viewOf(await file.read(pageStart(file, first, meta.pageSize), PAGE_HEADER));
        if ((header.getUint16(10, true) & OVERFLOW) === 0) throw corrupt(file, `page ${first} is not an overflow page`);
        add(node.key, Number(first) * meta.pageSize + PAGE_HEADER, node.size);
      } else throw corrupt(file, 'it has named databases or several values per key, which image databases have not');
    }
  };

  if (meta.root !== NO_PAGE) await visit(meta.root, 1);
  if (count !== meta.entries) throw corrupt(file, `it has ${count} entries, but speaks of ${meta.entries}`);
  return { transaction: meta.transaction, starts, sizes, keys: keys.slice(0, keyEnd), keyEnds };
}

/** The key of one entry, as text. */
export function keyOf({ keys, keyEnds }: LmdbIndex, row: number): string {
  return new TextDecoder('latin1').decode(keys.subarray(row === 0 ? 0 : keyEnds[row - 1], keyEnds[row]));
}

/** The newer of the two meta pages that are whole. Written in turn, so one is whole even after a crash of the writer. */
export async function readMeta(file: RandomAccess): Promise<Meta> {
  if (file.size < META_END) throw notLmdb(file, `it has only ${file.size} bytes`);
  const first = parseMeta(await file.read(0, META_END));
  if (first === undefined) throw notLmdb(file, 'it does not begin as one of format version 1 does');
  const second =
    file.size >= first.pageSize + META_END ? parseMeta(await file.read(first.pageSize, META_END)) : undefined;
  return second !== undefined && second.transaction > first.transaction ? second : first;
}

function parseMeta(bytes: Uint8Array): Meta | undefined {
  const view = viewOf(bytes);
  if (view.getUint32(16, true) !== MAGIC || view.getUint32(20, true) !== VERSION) return undefined;
  return {
    pageSize: view.getUint32(40, true),
    depth: view.getUint16(88 + 6, true),
    entries: Number(view.getBigUint64(88 + 32, true)),
    root: view.getBigUint64(88 + 40, true),
    pages: Number(view.getBigUint64(136, true)) + 1,
    transaction: Number(view.getBigUint64(144, true)),
  };
}

interface Page {
  readonly start: number;
  readonly flags: number;
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

async function readPage(file: RandomAccess, number: bigint, size: number): Promise<Page> {
  const start = pageStart(file, number, size);
  const bytes = await file.read(start, size);
  const view = viewOf(bytes);
  if (view.getBigUint64(0, true) !== number) throw corrupt(file, `page ${number} has another number in it`);
  return { start, flags: view.getUint16(10, true), bytes, view };
}

function pageStart(file: RandomAccess, number: bigint, size: number): number {
  const start = Number(number) * size;
  if (start + size > file.size) throw truncated(file, start + size);
  return start;
}

interface Node {
  readonly key: Uint8Array;
  readonly flags: number;
  /** Where the value begins within the page, and how long it is. */
  readonly data: number;
  readonly size: number;
  /** Page number, in a branch. */
  readonly child: bigint;
}

function* nodesOf(file: RandomAccess, { bytes, view }: Page): Generator<Node> {
  const count = (view.getUint16(12, true) - PAGE_HEADER) >> 1;
  if (count < 0 || PAGE_HEADER + 2 * count > bytes.length) throw corrupt(file, 'a page has an impossible size');
  for (let i = 0; i < count; i++) {
    const at = view.getUint16(PAGE_HEADER + 2 * i, true);
    if (at + 8 > bytes.length) throw corrupt(file, 'a node lies outside of its page');
    const low = view.getUint32(at, true);
    const flags = view.getUint16(at + 4, true);
    const data = at + 8 + view.getUint16(at + 6, true);
    if (data > bytes.length) throw corrupt(file, 'a key lies outside of its page');
    yield { key: bytes.subarray(at + 8, data), flags, data, size: low, child: BigInt(low) | (BigInt(flags) << 32n) };
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function notLmdb(file: RandomAccess, why: string): DatasetError {
  return new DatasetError('DATASETS_NOT_LMDB', `${file.name} is not an LMDB database: ${why}.`);
}

function truncated(file: RandomAccess, needed: number): DatasetError {
  return new DatasetError(
    'DATASETS_TRUNCATED',
    `${file.name} is cut short: byte ${needed} is needed, but it has ${file.size}; fetch it again.`,
  );
}

function corrupt(file: RandomAccess, why: string): DatasetError {
  return new DatasetError('DATASETS_CORRUPT_LMDB', `${file.name} is damaged: ${why}; fetch it again.`);
}
