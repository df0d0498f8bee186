import { invalidArgument } from '@missing-u/errors';
import { Dataset } from './dataset.ts';
import { DatasetError } from './errors.ts';
import { writeAtomically } from './files/atomic.ts';
import { withFile } from './files/random-access.ts';
import { encodeHeader, parseHeader, type PackHeader } from './formats/pack.ts';
import type { ImageShape } from './image.ts';
import type { ArrayBatch } from './pipeline/batch.ts';
import type { BatchOptions } from './pipeline/options.ts';
import { memorySource } from './sources/memory.ts';
import { packSource } from './sources/pack.ts';
import { View } from './view.ts';

/** How to go through a data set once, to keep what comes out. */
export interface KeepOptions extends Pick<BatchOptions, 'workers' | 'corrupt'> {
  onProgress?: (progress: { done: number; total: number }) => void;
}

/**
 * Writes the pictures of a data set, decoded and transformed, as bytes into one file, from which batches come much faster
 * than from encoded pictures (Node). CelebA at 64x64 is 2.5 GB. The file is there as a whole or not at all, also when the
 * process is killed; two processes that pack at once do not disturb each other.
 *
 * ```ts
 * await pack(await celeba({ root }), 'celeba-64.pack', { workers: 2 });
 * const train = await openPack('celeba-64.pack');
 * ```
 *
 * @throws DatasetError `DATASETS_CANNOT_WRITE`, `DATASETS_SHAPES_DIFFER`, `DATASETS_LABELS_DIFFER`, `DATASETS_NOT_BYTES`,
 *   `DATASETS_CORRUPT_IMAGE`
 */
export async function pack(dataset: Dataset, file: string, options: KeepOptions = {}): Promise<void> {
  // The header holds the number of pictures, which is known beforehand only where none may be left out.
  if (options.corrupt === 'skip') {
    const remedy = 'find them with `cache`, or leave them out by `subset`';
    const bad = { argument: 'corrupt', value: 'skip', allowed: "'throw' for a pack", remedy };
    throw new DatasetError('DATASETS_BAD_OPTION', invalidArgument(bad));
  }
  await writeAtomically(file, async (append) => {
    const labels: Int32Array[] = [];
    let form: Form | undefined;
    for await (const batch of keepable(dataset, options)) {
      if (form === undefined) {
        form = formOf(batch);
        await append(encodeHeader(headerOf(dataset, form)));
      } else checkForm(formOf(batch), form);
      await append(batch.images);
      if (batch.labels !== undefined) labels.push(batch.labels);
    }
    if (form === undefined) await append(encodeHeader(headerOf(dataset, NOTHING)));
    for (const part of labels) await append(new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
  });
}

/**
 * Opens a file that `pack` wrote (Node).
 *
 * @throws DatasetError `DATASETS_MISSING_FILE`, `DATASETS_NOT_PACK`, `DATASETS_TRUNCATED`
 */
export async function openPack(file: string): Promise<Dataset> {
  return withFile(file, async (bytes) => {
    const beginning = await bytes.read(0, Math.min(bytes.size, 1 << 20));
    const header = parseHeader(beginning, bytes.size, file);
    const { count, shape, labelWidth, labelNames, start, name, classes } = header;
    const labelBytes = count * labelWidth * 4;
    const data = new Int32Array((await bytes.read(bytes.size - labelBytes, labelBytes)).buffer);
    const labels = labelWidth === 0 ? undefined : { data, width: labelWidth, ...(labelNames && { names: labelNames }) };
    const view = new View({ source: packSource(file, start, count, shape), labels });
    return new Dataset(view, { name, location: file, sourceShape: shape, ...(classes && { classes }) });
  });
}

/**
 * Loads a data set into memory once, decoded and transformed, as bytes: CIFAR-10 takes 154 MB.
 *
 * @throws DatasetError `DATASETS_SHAPES_DIFFER`, `DATASETS_LABELS_DIFFER`, `DATASETS_NOT_BYTES`, `DATASETS_CORRUPT_IMAGE`
 */
export async function cache(dataset: Dataset, options: KeepOptions = {}): Promise<Dataset> {
  const images: Uint8Array[] = [];
  const labels: Int32Array[] = [];
  let form = NOTHING;
  for await (const batch of keepable(dataset, options)) {
    if (images.length === 0) form = formOf(batch);
    else checkForm(formOf(batch), form);
    images.push(batch.images);
    if (batch.labels !== undefined) labels.push(batch.labels);
  }
  const data = new Uint8Array(images.reduce((sum, part) => sum + part.length, 0));
  let start = 0;
  for (const part of images.splice(0)) {
    data.set(part, start);
    start += part.length;
  }
  const { shape, labelWidth: width } = form;
  const names = namesFor(width, dataset);
  const kept = width === 0 ? undefined : { data: joined(labels), width, ...(names && { names }) };
  const view = new View({ source: memorySource(data, shape, dataset.info.name), labels: kept });
  return new Dataset(view, { ...dataset.info, sourceShape: shape });
}

async function* keepable(
  dataset: Dataset,
  { onProgress, ...options }: KeepOptions,
): AsyncGenerator<ArrayBatch<Uint8Array>> {
  let done = 0;
  for await (const batch of dataset.batches({ ...options, batchSize: 256, as: 'array', dtype: 'uint8' })) {
    yield batch;
    done += batch.indices.length + (batch.skipped?.length ?? 0);
    onProgress?.({ done, total: dataset.length });
  }
}

/** What all batches have to agree in. */
interface Form {
  readonly shape: ImageShape;
  /** Numbers per label; 0 where there are none. */
  readonly labelWidth: number;
}

/** The form of a data set without examples. */
const NOTHING: Form = { shape: [1, 1, 1], labelWidth: 0 };

function formOf({ shape: [count, ...shape], labels = new Int32Array(0) }: ArrayBatch): Form {
  return { shape, labelWidth: labels.length / count };
}

function checkForm(found: Form, { shape, labelWidth }: Form): void {
  if (found.shape.join() !== shape.join()) {
    throw new DatasetError(
      'DATASETS_SHAPES_DIFFER',
      `The pictures are [${shape}] and [${found.shape}], but have to be of one size; open the data set with a \`size\`.`,
    );
  }
  if (found.labelWidth === labelWidth) return;
  throw new DatasetError(
    'DATASETS_LABELS_DIFFER',
    `The labels have ${labelWidth} and ${found.labelWidth} numbers, but have to be of one kind; look at the functions that ` +
      'the data set was given with `map`.',
  );
}

function headerOf(dataset: Dataset, { shape, labelWidth }: Form): PackHeader {
  const { length, info } = dataset;
  const labelNames = namesFor(labelWidth, dataset);
  return {
    count: length,
    shape,
    labelWidth,
    ...(labelNames && { labelNames }),
    name: info.name,
    ...(info.classes && { classes: info.classes }),
  };
}

/** A function given to `map` may have made labels of another width, which the names of the source do not fit. */
function namesFor(labelWidth: number, { labelNames }: Dataset): readonly string[] | undefined {
  return labelNames?.length === labelWidth ? labelNames : undefined;
}

function joined(parts: readonly Int32Array[]): Int32Array {
  const out = new Int32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let start = 0;
  for (const part of parts) {
    out.set(part, start);
    start += part.length;
  }
  return out;
}
