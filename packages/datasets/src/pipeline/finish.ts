import type * as tfjs from '@tensorflow/tfjs-core';
import { DatasetError } from '../errors.ts';
import type { ArrayBatch, RawBatch, TensorBatch } from './batch.ts';
import { toFloats } from './convert.ts';
import type { Settings } from './options.ts';

/** Turns a loaded batch into what the consumer asked for. */
export type Finish = (raw: RawBatch) => TensorBatch | ArrayBatch;

/** @throws DatasetError `DATASETS_NEEDS_TFJS` where tensors are asked for and TensorFlow.js is not installed */
export async function finisher(settings: Pick<Settings, 'as' | 'dtype' | 'range'>): Promise<Finish> {
  const tf = settings.as === 'tensor' ? await loadTf() : undefined;
  const numbers = (raw: RawBatch) => {
    if (settings.dtype === 'float32') return floats(raw, settings);
    if (raw.images instanceof Uint8Array) return raw.images;
    throw new DatasetError(
      'DATASETS_NOT_BYTES',
      "`dtype` is 'uint8', but a transform made floats of these pictures; leave out `dtype` or that transform.",
    );
  };
  const array = (raw: RawBatch): ArrayBatch => {
    const { paired, shape, ...rest } = raw;
    return {
      ...rest,
      images: numbers(raw),
      shape: [raw.indices.length, ...shape],
      ...(paired && { paired: array(paired) }),
    };
  };
  if (tf === undefined) return array;
  const tensor = ({ images, shape, paired, ...rest }: ArrayBatch): TensorBatch => ({
    ...rest,
    images: tf.tensor4d(images, [...shape], settings.dtype === 'uint8' ? 'int32' : 'float32'),
    ...(paired && { paired: tensor(paired) }),
  });
  // Arrays first: whatever can fail has failed before a tensor exists.
  return (raw) => tensor(array(raw));
}

function floats({ images }: RawBatch, { range }: Pick<Settings, 'range'>): Float32Array {
  return images instanceof Uint8Array ? toFloats(images, range) : images;
}

export async function loadTf(): Promise<typeof tfjs> {
  try {
    return await import('@tensorflow/tfjs-core');
  } catch (cause) {
    throw new DatasetError(
      'DATASETS_NEEDS_TFJS',
      "Tensors need '@tensorflow/tfjs-core', which is not installed; install it, or take typed arrays with `as: 'array'`.",
      { cause },
    );
  }
}
