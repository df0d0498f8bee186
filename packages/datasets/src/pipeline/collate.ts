import { DatasetError } from '../errors.ts';
import { emptyLike, sizeOf, type Example, type Image, type ImageShape } from '../image.ts';
import type { RawBatch } from './batch.ts';
import { pairsDiffer } from './form.ts';

/** A damaged picture, and a sound one of a kind that is not read. Where sharp is missing, no picture is to blame. */
const DECODING: readonly string[] = ['DATASETS_CORRUPT_IMAGE', 'DATASETS_UNSUPPORTED_IMAGE'];

/** Whether an error says that a picture cannot be decoded, as opposed to anything else that can go wrong. */
export function cannotBeDecoded(error: unknown): error is DatasetError {
  return error instanceof DatasetError && DECODING.includes(error.code);
}

/** Puts examples into one batch; their pictures have to agree in shape and type, and their labels in width. */
export function collate(examples: readonly Example[], nameOf: (index: number) => string): RawBatch {
  const first = examples[0];
  if (first === undefined) return { images: new Uint8Array(0), shape: [0, 0, 0], indices: new Uint32Array(0) };
  const { shape, data } = first.image;
  const size = sizeOf(shape);
  const images = emptyLike(data, examples.length * size);
  const width = widthOf(first.label);
  const labels = width === 0 ? undefined : new Int32Array(examples.length * width);
  examples.forEach(({ image, label, index }, i) => {
    if (!sameShape(image.shape, shape) || kindOf(image.data) !== kindOf(data)) {
      throw new DatasetError(
        'DATASETS_SHAPES_DIFFER',
        `${nameOf(index)} is [${image.shape}] of ${kindOf(image.data)}, but the batch began with ` +
          `[${shape}] of ${kindOf(data)}; bring all pictures to one size, for example with resize() and centerCrop().`,
      );
    }
    if (widthOf(label) !== width) {
      throw new DatasetError(
        'DATASETS_LABELS_DIFFER',
        `The label of ${nameOf(index)} has ${widthOf(label)} numbers, but the batch began with ${width}; give all examples ` +
          'labels of one kind, or none.',
      );
    }
    images.set(image.data, i * size);
    if (label !== undefined) labels?.set(typeof label === 'number' ? [label] : label, i * width);
  });
  const indices = Uint32Array.from(examples, (example) => example.index);
  const pairs = examples.flatMap((example) => example.paired ?? []);
  if (pairs.length !== 0 && pairs.length !== examples.length) throw pairsDiffer();
  const paired = pairs.length > 0 ? collate(pairs, nameOf) : undefined;
  return { images, shape, indices, ...(labels && { labels }), ...(paired && { paired }) };
}

/** Numbers in a label; 0 where there is none. */
function widthOf(label: Example['label']): number {
  if (label === undefined) return 0;
  return typeof label === 'number' ? 1 : label.length;
}

function kindOf(data: Image['data']): string {
  return data instanceof Float32Array ? 'floats' : 'bytes';
}

function sameShape(a: ImageShape, b: ImageShape): boolean {
  return a.every((size, axis) => size === b[axis]);
}
