import type * as tf from '@tensorflow/tfjs-core';

export type NumberArray = Float32Array | Int32Array | Uint8Array;

/** The part of the wasm backend that gives access to its memory. */
export interface HeapBackend {
  makeOutput(shape: number[], dtype: tf.DataType): tf.TensorInfo;
  /** Views end with the next allocation, which may move the memory: take them after the output was made. */
  typedArrayFromHeap(tensor: tf.TensorInfo): NumberArray;
}
