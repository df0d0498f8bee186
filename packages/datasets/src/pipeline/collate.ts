import { DatasetError } from '../errors.ts';
import { emptyLike, sizeOf, type Example, type Image, type ImageShape } from '../image.ts';
import type { RawBatch } from './batch.ts';

/** Whether an error says that a picture cannot be decoded, as opposed to anything else that can go wrong. */
export function isCorrupt(error: unknown): error is DatasetError {
  return error instanceof DatasetError && error.code === 'DATASETS_CORRUPT_IMAGE';
}

/** Puts examples into one batch; their pictures have to agree in shape and type. */
export function collate(examples: readonly Example[], nameOf: (index: number) => string): RawBatch {
  const first = examples[0];
  if (first === undefined) return { images: new Uint8Array(0), shape: [0, 0, 0], indices: new Uint32Array(0) };
  const { shape, data } = first.image;
  const size = sizeOf(shape);
  const images = emptyLike(data, examples.length * size);
  const width = typeof first.label === 'object' ? first.label.length : 1;
  const labels = first.label === undefined ? undefined : new Int32Array(examples.length * width);
  examples.forEach(({ image, label, index }, i) => {
    if (!sameShape(image.shape, shape) || kindOf(image.data) !== kindOf(data)) {
      throw new DatasetError(
        'DATASETS_SHAPES_DIFFER',
        `${nameOf(index)} is [${image.shape}] of ${kindOf(image.data)}, but the batch began with ` +
          `[${shape}] of ${kindOf(data)}; bring all pictures to one size, for example with resize() and centerCrop().`,
      );
    }
    images.set(image.data, i * size);
    if (label !== undefined) labels?.set(typeof label === 'number' ? [label] : label, i * width);
  });
  const indices = Uint32Array.from(examples, (example) => example.index);
  const pairs = examples.flatMap((example) => example.paired ?? []);
  const paired = pairs.length === examples.length ? collate(pairs, nameOf) : undefined;
  return { images, shape, indices, ...(labels && { labels }), ...(paired && { paired }) };
}

function kindOf(data: Image['data']): string {
  return data instanceof Float32Array ? 'floats' : 'bytes';
}

function sameShape(a: ImageShape, b: ImageShape): boolean {
  return a.every((size, axis) => size === b[axis]);
}
