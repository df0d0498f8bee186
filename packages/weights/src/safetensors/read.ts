import { unknownName } from '@missing-u/errors';
import type { DownloadOptions } from '../download/download.ts';
import { WeightsError } from '../errors.ts';
import { openSource, withSource, type ByteSource, type Source } from '../source.ts';
import { tensorFromBytes, type StateDict, type StateTensor } from '../state-dict.ts';
import { readHeader, type Entry } from './header.ts';
import { isShardIndex, loadShards } from './shards.ts';

/** A safetensors file of which only the header has been read; each tensor is read when it is asked for. */
export interface SafetensorsFile {
  /** Names, dtypes and shapes, in the order of the data. */
  readonly entries: readonly Pick<Entry, 'name' | 'dtype' | 'shape'>[];
  /** The file's `__metadata__`. */
  readonly metadata: Readonly<Record<string, string>>;
  read(name: string): Promise<StateTensor>;
  close(): Promise<void>;
}

/**
 * Opens a safetensors file and checks its header: its size, every dtype, shape and offset, overlaps, holes, duplicate names.
 *
 * @throws WeightsError `WEIGHTS_BAD_SAFETENSORS` for a file that breaks the format.
 */
export async function openSafetensors(source: Source, options: DownloadOptions = {}): Promise<SafetensorsFile> {
  const bytes = await openSource(source, options);
  try {
    const { entries, metadata } = await readHeader(bytes);
    const byName = new Map(entries.map((entry) => [entry.name, entry]));
    return {
      entries,
      metadata,
      read(name) {
        const entry = byName.get(name);
        if (entry === undefined) {
          throw new WeightsError('WEIGHTS_UNKNOWN_NAME', unknownName('name', name, [...byName.keys()]));
        }
        return readEntry(bytes, entry);
      },
      close: () => bytes.close(),
    };
  } catch (error) {
    await bytes.close();
    throw error;
  }
}

/**
 * All tensors of a safetensors file, or of the shards that a `*.safetensors.index.json` names.
 *
 * A file is read tensor by tensor into memory of its own; bytes that are in memory already are shared where alignment allows.
 */
export async function loadSafetensors(source: Source, options: DownloadOptions = {}): Promise<StateDict> {
  if (isShardIndex(source)) return loadShards(source, loadSafetensors, options);
  return withSource(source, options, async (bytes) => {
    const { entries } = await readHeader(bytes);
    return Object.fromEntries(await readAll(bytes, entries));
  });
}

/** Reads are kept in flight two at a time: enough to hide the round trips, and memory stays that of the file. */
async function readAll(bytes: ByteSource, entries: readonly Entry[]): Promise<[string, StateTensor][]> {
  const read: [string, StateTensor][] = [];
  let next = 0;
  const worker = async () => {
    while (next < entries.length) {
      const index = next++;
      const entry = entries[index]!;
      read[index] = [entry.name, await readEntry(bytes, entry)];
    }
  };
  await Promise.all([worker(), worker()]);
  return read;
}

async function readEntry(bytes: ByteSource, { dtype, shape, start, end }: Entry): Promise<StateTensor> {
  return tensorFromBytes(dtype, shape, await bytes.read(start, end));
}
