import * as tf from '@tensorflow/tfjs-core';
import type { FunctionLibrary } from '../native/functions/library.ts';

/** Values on the host, before they are handed to TensorFlow. */
export type HostValues = Float32Array | Int32Array | Uint8Array | Uint8Array[] | BigInt64Array;

/** What identifies the data of a tensor; clones share it. */
export type DataId = tf.DataId;

/** What the binding tells about a tensor that an operation made. */
export interface OutputMetadata {
  id: number;
  shape: number[];
  /** TensorFlow's number of the type. */
  dtype: number;
}

/** An attribute of an operation, in the form that the binding takes. */
export interface Attribute {
  name: string;
  /** TensorFlow's number of the attribute's type. */
  type: number;
  value: unknown;
}

/** The calls of the native binding that recording and replaying need. */
export interface Binding {
  executeOp(
    name: string,
    attributes: readonly Attribute[],
    inputs: readonly number[],
    outputs: number,
  ): OutputMetadata[];
  createTensor(shape: readonly number[], dtype: number, values: HostValues): number;
  deleteTensor(id: number): void;
  tensorDataSync(id: number): HostValues;
  loadSavedModel(folder: string, tags: string): number;
  runSavedModel(session: number, inputs: readonly number[], inputNames: string, outputNames: string): OutputMetadata[];
  deleteSavedModel(session: number): void;
  isUsingGpuDevice(): boolean;
}

/** What the backend knows of a tensor's data. */
export interface TensorData {
  shape: number[];
  dtype: number;
  id: number;
  /** Not null until the data is first used by an operation. */
  values: HostValues | null;
}

/** The parts of TensorFlow.js' native backend that recording and replaying need. */
export interface GraphBackend {
  binding: Binding;
  /** Where graphs are to be TensorFlow's functions: in the build for cards. */
  readonly functionLibrary?: FunctionLibrary | undefined;
  readonly tensorMap: { has(id: DataId): boolean; get(id: DataId): TensorData };
  getInputTensorIds(tensors: readonly tf.TensorInfo[]): number[];
  createOutputTensor(metadata: OutputMetadata): tf.Tensor;
  executeSingleOutput(name: string, attributes: readonly Attribute[], inputs: readonly tf.TensorInfo[]): tf.Tensor;
  getDTypeInteger(dtype: tf.DataType): number;
  move(id: DataId, values: HostValues, shape: number[], dtype: tf.DataType, refCount: number): void;
  readSync(id: DataId): HostValues;
  read(id: DataId): Promise<HostValues>;
  refCount(id: DataId): number;
  incRef(id: DataId): void;
}

/** The running backend if it can replay graphs, which only the native one can. */
export function graphBackend(): GraphBackend | undefined {
  const backend = tf.backend() as unknown as Partial<GraphBackend>;
  return typeof backend.binding?.runSavedModel === 'function' ? (backend as GraphBackend) : undefined;
}

/** TensorFlow's numbers of the types that tensors in a graph have (types.proto). */
export const dataTypes = { float32: 1, int32: 3, string: 7, complex64: 8, int64: 9, bool: 10 } as const;

/** Bytes of one element of a type. */
export function elementSize(dtype: number): number {
  if (dtype === dataTypes.bool) return 1;
  return dtype === dataTypes.complex64 || dtype === dataTypes.int64 ? 8 : 4;
}

/** A new tensor with data of its own in name, but on the same memory: nothing is copied. */
export function sameMemory<T extends tf.Tensor>(backend: GraphBackend, tensor: T): T {
  const type = { name: 'T', type: attributeTypes.type, value: backend.getDTypeInteger(tensor.dtype) };
  return backend.executeSingleOutput('Identity', [type], [tensor]) as T;
}

/** The binding's numbers of the types of attributes (`TF_AttrType` of TensorFlow's C API). */
export const attributeTypes = { string: 0, int: 1, float: 2, bool: 3, type: 4, shape: 5 } as const;

/** One more owner of a tensor's data, off the tape, which outlives the original until it is disposed. */
export function hold(backend: GraphBackend, tensor: tf.TensorInfo): tf.Tensor {
  backend.incRef(tensor.dataId);
  return tf.keep(tf.engine().makeTensorFromTensorInfo(tensor));
}
