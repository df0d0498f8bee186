import { DatasetError } from '../errors.ts';
import { sizeOf, type Example, type ImageShape } from '../image.ts';
import type { View } from '../view.ts';
import type { RawBatch, Skipped } from './batch.ts';

/** Loads the examples at these positions, one after the other, into one piece of memory. */
export async function loadBatch(
  view: View,
  indices: Uint32Array,
  epoch: number,
  corrupt: 'throw' | 'skip',
): Promise<RawBatch> {
  const { source } = view;
  if (view.steps.length === 0 && source.gather !== undefined && source.shape !== undefined) {
    const images = new Uint8Array(indices.length * sizeOf(source.shape));
    await source.gather(view.rowsOf(indices), images);
    const labels = view.labelsOf(indices);
    const paired = view.paired && (await loadBatch(view.paired, indices, epoch, corrupt));
    return { images, shape: source.shape, indices, ...(labels && { labels }), ...(paired && { paired }) };
  }
  const examples: Example[] = [];
  const skipped: Skipped[] = [];
  for (const index of indices) {
    try {
      examples.push(await view.load(index, epoch));
    } catch (error) {
      if (corrupt === 'throw' || !isCorrupt(error)) throw error;
      skipped.push({ index, name: view.nameOf(index), reason: error.message });
    }
  }
  return { ...collate(examples, view), ...(skipped.length > 0 && { skipped }) };
}

export function isCorrupt(error: unknown): error is DatasetError {
  return error instanceof DatasetError && error.code === 'DATASETS_CORRUPT_IMAGE';
}

/** Puts examples into one batch; their pictures have to agree in shape and type. */
export function collate(examples: readonly Example[], view: Pick<View, 'nameOf'>): RawBatch {
  const first = examples[0];
  if (first === undefined) return { images: new Uint8Array(0), shape: [0, 0, 0], indices: new Uint32Array(0) };
  const { shape, data } = first.image;
  const size = sizeOf(shape);
  const Numbers = data.constructor as Uint8ArrayConstructor | Float32ArrayConstructor;
  const images = new Numbers(examples.length * size);
  const width = typeof first.label === 'object' ? first.label.length : 1;
  const labels = first.label === undefined ? undefined : new Int32Array(examples.length * width);
  examples.forEach(({ image, label, index }, i) => {
    if (!sameShape(image.shape, shape) || image.data.constructor !== Numbers) {
      throw new DatasetError(
        'DATASETS_SHAPES_DIFFER',
        `${view.nameOf(index)} is [${image.shape}] of ${image.data.constructor.name}, but the batch began with ` +
          `[${shape}] of ${Numbers.name}; bring all pictures to one size, for example with resize() and centerCrop().`,
      );
    }
    images.set(image.data, i * size);
    if (label !== undefined) labels?.set(typeof label === 'number' ? [label] : label, i * width);
  });
  const indices = Uint32Array.from(examples, (example) => example.index);
  const pairs = examples.flatMap((example) => example.paired ?? []);
  const paired = pairs.length === examples.length ? collate(pairs, view) : undefined;
  return { images, shape, indices, ...(labels && { labels }), ...(paired && { paired }) };
}

function sameShape(a: ImageShape, b: ImageShape): boolean {
  return a.every((size, axis) => size === b[axis]);
}
