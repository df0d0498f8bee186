import { unknownName } from '@missing-u/errors';
import * as tf from '@tensorflow/tfjs-core';
import { DiffusionError } from '../errors.ts';

/** Images as numbers, NHWC in C order: in [0, 1] as float32, or 0 .. 255 as bytes. */
export interface ImageArray<Values extends Float32Array | Uint8Array = Float32Array> {
  data: Values;
  shape: [count: number, height: number, width: number, channels: number];
}

/** What each output type gives. */
export interface Outputs {
  /** [count, height, width, channels] in [0, 1], which the caller disposes. */
  tensor: tf.Tensor4D;
  array: ImageArray;
  /** Rounded to the nearest of 256 values, as they are written to files. */
  bytes: ImageArray<Uint8Array>;
}

export type OutputType = keyof Outputs;

const converters: { [Type in OutputType]: (images: tf.Tensor4D) => Outputs[Type] | Promise<Outputs[Type]> } = {
  tensor: (images) => images,
  array: async (images) => ({ data: await read(images), shape: images.shape }),
  bytes: async (images) => ({ data: toBytes(await read(images)), shape: images.shape }),
};

/** @throws DiffusionError `DIFFUSION_UNKNOWN_OUTPUT_TYPE` */
export function checkOutputType(type: string): void {
  if (Object.hasOwn(converters, type)) return;
  const message = unknownName('outputType', type, Object.keys(converters));
  throw new DiffusionError('DIFFUSION_UNKNOWN_OUTPUT_TYPE', message);
}

/** Images as the type that was asked for; takes the tensor over. */
export async function toOutput<Type extends OutputType>(images: tf.Tensor4D, type: Type): Promise<Outputs[Type]> {
  const result = await converters[type](images);
  if (!(result instanceof tf.Tensor)) images.dispose();
  return result;
}

/** Values in [0, 1] as bytes, rounded to nearest. */
export function toBytes(values: ArrayLike<number>): Uint8Array {
  return Uint8Array.from(values, (value) => Math.round(255 * value));
}

function read(images: tf.Tensor4D): Promise<Float32Array> {
  return images.data() as Promise<Float32Array>;
}
