import {
  asyncBufferFromUrl,
  parquetMetadataAsync,
  parquetReadObjects,
  type AsyncBuffer,
  type FileMetaData,
} from 'hyparquet';
import { show } from '@missing-u/errors';
import { Dataset } from '../dataset.ts';
import type { Channels } from '../decode/channels.ts';
import { decodeImage } from '../decode/decode.ts';
import { DatasetError } from '../errors.ts';
import { openFile, type RandomAccess } from '../files/random-access.ts';
import { nodeModule } from '../platform.ts';
import type { Source } from '../sources/source.ts';
import { View } from '../view.ts';
import { classesOf, type ClassLabels } from './classes.ts';
import { fit, type FitOptions } from './fit.ts';

/** How to open Parquet files. */
export interface ParquetOptions extends FitOptions {
  /** One file, or the parts of one data set in order: paths (Node), URLs, or bytes. */
  files: ParquetFile | readonly ParquetFile[];
  /** Column of the pictures: encoded bytes, or the hub's `{ bytes, path }`. `image` if left out. */
  image?: string;
  /**
   * Column of class numbers, or of class names; `label` if left out, and none where there is no such column. `null` leaves
   * labels out.
   */
  label?: string | null;
  channels?: Channels;
}

export type ParquetFile = string | URL | ArrayBuffer;

/** Row groups that are kept decoded. */
const KEPT_GROUPS = 4;

interface Group {
  readonly part: { file: AsyncBuffer; metadata: FileMetaData };
  /** First row of the group in all files, and in its own. */
  readonly first: number;
  readonly start: number;
  readonly rows: number;
}

/**
 * Pictures in Parquet files as the Hugging Face hub has them: `https://huggingface.co/api/datasets/<name>/parquet`.
 * Snappy and uncompressed pages are read. Rows come in groups of hundreds, which are read and kept as a whole: going through
 * in order is quick, but for a random order `cache` or `pack` the data set first.
 *
 * @throws DatasetError `DATASETS_NOT_PARQUET`, `DATASETS_MISSING_FILE`, `DATASETS_BAD_LABELS`, `DATASETS_CORRUPT_IMAGE`
 */
export async function parquet(options: ParquetOptions): Promise<Dataset> {
  const { image: column = 'image', channels = 3 } = options;
  const opened: RandomAccess[] = [];
  const close = async () => {
    for (const file of opened) await file.close();
  };
  const { groups, labels, length } = await readTables(options, column, opened).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  const nameOf = (row: number) => `row ${row}`;
  const kept = new Map<Group, Promise<Uint8Array[]>>();
  const source: Source = {
    length,
    shape: undefined,
    nameOf,
    async load(row) {
      const group = groups.findLast(({ first }) => first <= row)!;
      const pictures = kept.get(group) ?? reading(nameOf(row), () => readPictures(group, column));
      kept.delete(group);
      kept.set(group, pictures);
      const [oldest] = kept.keys();
      if (kept.size > KEPT_GROUPS) kept.delete(oldest!);
      return { image: await decodeImage((await pictures)[row - group.first]!, nameOf(row), channels) };
    },
    close,
  };
  const view = new View({ source, ...(labels && { labels: { data: labels.data, width: 1 } }), steps: fit(options) });
  return new Dataset(view, { name: `Parquet, ${length} rows`, ...(labels?.classes && { classes: labels.classes }) });
}

/** Row groups of all files, and the labels, which are read at once. */
async function readTables(
  options: ParquetOptions,
  column: string,
  opened: RandomAccess[],
): Promise<{ groups: Group[]; labels: ClassLabels | undefined; length: number }> {
  const list = (Array.isArray(options.files) ? options.files : [options.files]) as readonly ParquetFile[];
  const groups: Group[] = [];
  const labels: unknown[] = [];
  let labelled = '';
  let length = 0;
  for (const input of list) {
    const shown = input instanceof ArrayBuffer ? 'the Parquet file' : String(input);
    const file = await openBuffer(input, opened);
    const part = await reading(shown, async () => ({ file, metadata: await parquetMetadataAsync(file) }));
    const columns = part.metadata.schema.map(({ name }) => name);
    const { label = columns.includes('label') ? 'label' : null } = options;
    for (const needed of [column, ...(label === null ? [] : [label])]) {
      if (columns.includes(needed)) continue;
      throw new DatasetError(
        'DATASETS_NOT_PARQUET',
        `${shown} has no column '${needed}', but ${columns.slice(1).join(', ')}.`,
      );
    }
    if (label !== null) {
      labelled = label;
      const rows = await reading(shown, () => parquetReadObjects({ ...part, columns: [label] }));
      for (const row of rows) labels.push(row[label]);
    }
    let start = 0;
    for (const { num_rows } of part.metadata.row_groups) {
      const rows = Number(num_rows);
      groups.push({ part, first: length, start, rows });
      length += rows;
      start += rows;
    }
  }
  const refuse = (row: number, label: unknown) =>
    new DatasetError(
      'DATASETS_BAD_LABELS',
      `Column '${labelled}' is ${show(label)} in row ${row}, but labels have to be whole numbers (int32) in all rows, or names ` +
        'in all rows; choose another column with `label`, or leave labels out with `label: null`.',
    );
  return { groups, labels: labels.length > 0 ? classesOf(labels, refuse) : undefined, length };
}

async function readPictures({ part, start, rows }: Group, column: string): Promise<Uint8Array[]> {
  const read = { ...part, columns: [column], rowStart: start, rowEnd: start + rows, utf8: false };
  return (await parquetReadObjects(read)).map((row) => {
    const value = row[column] as Uint8Array | { bytes?: Uint8Array } | null;
    const bytes = value instanceof Uint8Array ? value : value?.bytes;
    return bytes instanceof Uint8Array ? bytes : new Uint8Array(0);
  });
}

async function openBuffer(input: ParquetFile, opened: RandomAccess[]): Promise<AsyncBuffer> {
  if (input instanceof ArrayBuffer) return input;
  const text = String(input);
  if (/^https?:/.test(text)) return asyncBufferFromUrl({ url: text });
  const file = await openFile(text.startsWith('file:') ? nodeModule('node:url').fileURLToPath(text) : text);
  opened.push(file);
  return {
    byteLength: file.size,
    slice: async (start, end = file.size) => (await file.read(start, end - start)).buffer,
  };
}

/** Runs a call of the reader, whose own errors do not name the file. */
async function reading<T>(name: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    if (cause instanceof DatasetError) throw cause;
    throw new DatasetError('DATASETS_NOT_PARQUET', `${name} cannot be read as Parquet: ${(cause as Error).message}.`, {
      cause,
    });
  }
}
