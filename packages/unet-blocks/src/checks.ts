import * as tf from '@tensorflow/tfjs-core';
import { invalidArgument, show, unknownName } from '@missing-u/errors';
import { runningRecording } from '@missing-u/autodiff';
import { UNetError } from './errors.ts';

/** Diffusion times: one number for all images, or one per image. */
export type Timesteps = number | readonly number[] | tf.Tensor1D | tf.Scalar;

/** Throws `UNET_OPTION` unless `value` is an integer of at least `least`. */
export function checkInteger(argument: string, value: unknown, least = 1): void {
  if (!Number.isInteger(value) || (value as number) < least) {
    throw new UNetError('UNET_OPTION', invalidArgument({ argument, value, allowed: `an integer of ${least} or more` }));
  }
}

/** Throws `UNET_GROUPS` unless the groups divide the channels. */
export function checkGroups(groups: number, channels: number): void {
  checkInteger('groups', groups);
  if (channels % groups !== 0) {
    const allowed = `a divisor of the ${channels} channels`;
    throw new UNetError('UNET_GROUPS', invalidArgument({ argument: 'groups', value: groups, allowed }));
  }
}

/** Throws `UNET_OPTION` for keys of an options object that are not on the list, naming the nearest. */
export function checkOptionNames(options: object, known: readonly string[]): void {
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) throw new UNetError('UNET_OPTION', unknownName('option', key, known));
  }
}

/** Throws `UNET_OPTION` unless `value` is an object of options. */
export function checkOptionsObject(argument: string, value: unknown): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UNetError('UNET_OPTION', invalidArgument({ argument, value, allowed: 'an object' }));
  }
}

/** Throws `UNET_OPTION` unless `value` is true or false. */
export function checkBoolean(argument: string, value: unknown): void {
  if (typeof value !== 'boolean') {
    throw new UNetError('UNET_OPTION', invalidArgument({ argument, value, allowed: 'true or false' }));
  }
}

/** Throws `UNET_OPTION` unless `value` is one of a list. */
export function checkChoice(argument: string, value: unknown, known: readonly string[]): void {
  if (!known.includes(value as string)) throw new UNetError('UNET_OPTION', unknownName(argument, value, known));
}

/** Throws `UNET_SAMPLE` unless `sample` is a float32 batch of images with these channels and sides that `divisor` divides. */
export function checkSample(sample: tf.Tensor4D, channels: number, divisor = 1): void {
  const refuse = (allowed: string, remedy?: string) => {
    const argument = { argument: 'sample', value: sample, allowed };
    throw new UNetError('UNET_SAMPLE', invalidArgument(remedy === undefined ? argument : { ...argument, remedy }));
  };
  if (!(sample instanceof tf.Tensor)) refuse('a tensor');
  if (sample.rank !== 4) refuse('of rank 4: [images, height, width, channels]');
  if (sample.dtype !== 'float32') refuse(`of type float32, but it is ${sample.dtype}`, 'use `tf.cast`');
  if (sample.shape[3] !== channels) {
    const first = sample.shape[1] === channels ? 'images lie channels last (NHWC) here, so transpose it' : undefined;
    refuse(`of ${channels} channels in the last axis`, first);
  }
  if (sample.shape[1] % divisor !== 0 || sample.shape[2] % divisor !== 0) {
    refuse(`of sides that ${divisor} divides`, 'pad or resize the images');
  }
}

/**
 * Diffusion times as a float32 tensor [images]. Throws `UNET_TIMESTEPS` for a wrong count, numbers that are not finite, and
 * numbers outside 0 .. count - 1 where the model knows a `count` of steps. Values of a tensor are looked at where that does
 * not wait for a device (see `valuesAtHand`).
 */
export function timestepTensor(timesteps: Timesteps, images: number, count?: number): tf.Tensor1D {
  const refuse = (allowed: string): never => {
    throw new UNetError('UNET_TIMESTEPS', invalidArgument({ argument: 'timesteps', value: timesteps, allowed }));
  };
  const isTensor = timesteps instanceof tf.Tensor;
  if (!isTensor && typeof timesteps !== 'number' && typeof timesteps?.length !== 'number') {
    refuse('a number, an array of numbers or a tensor');
  }
  if (isTensor && timesteps.rank > 1) refuse('a number, a scalar or one number per image');
  if (isTensor && timesteps.dtype !== 'float32' && timesteps.dtype !== 'int32') {
    refuse(`of type float32 or int32, but it is ${timesteps.dtype}`);
  }
  const values = isTensor ? valuesAtHand(timesteps) : typeof timesteps === 'number' ? [timesteps] : timesteps;
  const single = typeof timesteps === 'number' || (isTensor && timesteps.rank === 0);
  const given = isTensor ? timesteps.size : values.length;
  if (!single && given !== images) refuse(`one number per image, ${images} in all`);
  for (const value of values) {
    const inside = count === undefined || (value >= 0 && value <= count - 1);
    if (typeof value !== 'number' || !Number.isFinite(value) || !inside) {
      refuse(count === undefined ? 'finite' : `in 0 to ${count - 1} (one value is ${show(value)})`);
    }
  }
  return tf.tidy(() => {
    if (!isTensor)
      return tf.tensor1d(single ? new Array<number>(images).fill(values[0]!) : Array.from(values), 'float32');
    const times = tf.cast(timesteps, 'float32');
    return single ? tf.tile(tf.reshape(times, [1]), [images]) : (times as tf.Tensor1D);
  });
}

/** Engines whose tensors lie in main memory. */
const readable = new Set(['cpu', 'wasm', 'tensorflow']);

/**
 * The values of a small tensor where they can be had at once, none otherwise: a graphics card would be waited for, and an
 * call that is being recorded for a graph has to work for other values, too.
 */
function valuesAtHand(tensor: tf.Tensor): ArrayLike<number> & Iterable<number> {
  if (!readable.has(tf.getBackend()) || runningRecording() !== undefined) return [];
  return tensor.dataSync<'float32'>();
}
