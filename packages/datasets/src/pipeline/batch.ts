import type { Tensor4D } from '@tensorflow/tfjs-core';
import type { ImageShape } from '../image.ts';

/** A picture that was left out of a batch (`corrupt: 'skip'`). */
export interface Skipped {
  readonly index: number;
  /** What its file or entry is called. */
  readonly name: string;
  readonly reason: string;
}

interface Common<Images> {
  readonly images: Images;
  /** One class number per picture, or as many numbers per picture as a label has, row by row; absent where there are none. */
  readonly labels?: Int32Array;
  /** Positions in the data set: `dataset.get(indices[i])` is picture i. */
  readonly indices: Uint32Array;
  /** Pictures that could not be decoded, if any. */
  readonly skipped?: readonly Skipped[];
}

/** A batch for TensorFlow.js: `images` is NHWC and belongs to whoever got it, who disposes it. */
export interface TensorBatch extends Common<Tensor4D> {
  readonly paired?: TensorBatch;
}

/** A batch as typed arrays: `images` holds the numbers of shape `shape`, NHWC. */
export interface ArrayBatch<Numbers = Float32Array | Uint8Array> extends Common<Numbers> {
  readonly shape: readonly [batch: number, height: number, width: number, channels: number];
  readonly paired?: ArrayBatch<Numbers>;
}

/** A batch before it gets the form that was asked for. */
export interface RawBatch extends Common<Uint8Array | Float32Array> {
  readonly shape: ImageShape;
  readonly paired?: RawBatch;
}
