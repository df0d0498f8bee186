import { invalidArgument } from '@missing-u/errors';
import { Dataset } from './dataset.ts';
import { DatasetError } from './errors.ts';
import { writeAtomically } from './files/atomic.ts';
import { withFile } from './files/random-access.ts';
import { encodeHeader, parseHeader, type PackHeader } from './formats/pack.ts';
import type { ArrayBatch } from './pipeline/batch.ts';
import { checkForm, formOf, NO_FORM, type Form } from './pipeline/form.ts';
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
 * @throws DatasetError `DATASETS_CANNOT_WRITE`, `DATASETS_SHAPES_DIFFER`, `DATASETS_LABELS_DIFFER`, `DATASETS_PAIRED`,
 *   `DATASETS_NOT_BYTES`, `DATASETS_CORRUPT_IMAGE`
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
        if (form.paired !== undefined) throw paired();
        await append(encodeHeader(headerOf(dataset, form)));
      } else checkForm(formOf(batch), form);
      await append(batch.images);
      if (batch.labels !== undefined) labels.push(batch.labels);
    }
    if (form === undefined) await append(encodeHeader(headerOf(dataset, NO_FORM)));
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
 * Loads a data set into memory once, decoded and transformed, as bytes, with its pairs if it has them: CIFAR-10 takes 154 MB.
 *
 * @throws DatasetError `DATASETS_SHAPES_DIFFER`, `DATASETS_LABELS_DIFFER`, `DATASETS_PAIRS_DIFFER`, `DATASETS_NOT_BYTES`,
 *   `DATASETS_CORRUPT_IMAGE`
 */
export async function cache(dataset: Dataset, options: KeepOptions = {}): Promise<Dataset> {
  const batches: ArrayBatch<Uint8Array>[] = [];
  let form = NO_FORM;
  for await (const batch of keepable(dataset, options)) {
    if (batches.length === 0) form = formOf(batch);
    else checkForm(formOf(batch), form);
    batches.push(batch);
  }
  const view = memoryView(batches, form, dataset.info.name, namesFor(form.labelWidth, dataset));
  return new Dataset(view, { ...dataset.info, sourceShape: form.shape });
}

function memoryView(
  batches: readonly ArrayBatch<Uint8Array>[],
  { shape, labelWidth, paired }: Form,
  name: string,
  names?: readonly string[],
): View {
  const images = joined(
    Uint8Array,
    batches.map((batch) => batch.images),
  );
  const labels = labelWidth > 0 && {
    data: joined(
      Int32Array,
      batches.map((batch) => batch.labels!),
    ),
    width: labelWidth,
    ...(names && { names }),
  };
  const partners = batches.map((batch) => batch.paired!);
  return new View({
    source: memorySource(images, shape, name),
    ...(labels && { labels }),
    ...(paired && { paired: memoryView(partners, paired, name) }),
  });
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

function joined<T extends Uint8Array | Int32Array>(Numbers: new (length: number) => T, parts: readonly T[]): T {
  const out = new Numbers(parts.reduce((sum, part) => sum + part.length, 0));
  let start = 0;
  for (const part of parts) {
    out.set(part, start);
    start += part.length;
  }
  return out;
}

function paired(): DatasetError {
  return new DatasetError(
    'DATASETS_PAIRED',
    'A pack holds one data set, but this one is paired by `zip`; pack both into files of their own, and zip what `openPack` gives.',
  );
}
