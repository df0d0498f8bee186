import * as tf from '@tensorflow/tfjs-core';
import { invalidArgument, show, unknownName } from '@missing-u/errors';
import type { Generator } from '@missing-u/random';
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

/** Throws `UNET_OPTION` for options of the first weights that cannot make any, before a network is made. */
export function checkWeightOptions({ weights, generator }: { weights?: unknown; generator?: unknown }): void {
  if (weights !== undefined) checkChoice('weights', weights, ['random', 'none']);
  const draws = generator as Partial<Generator> | null | undefined;
  if (draws === undefined || (typeof draws?.fillUniform === 'function' && typeof draws.fillNormal === 'function'))
    return;
  const bad = { argument: 'generator', value: generator, allowed: 'a generator, as `createGenerator(seed)` makes one' };
  throw new UNetError('UNET_OPTION', invalidArgument(bad));
}

/**
 * Throws `UNET_SAMPLE` unless `sample` is a float32 batch of images with these channels and sides that `divisor` divides and
 * that have `least` pixels.
 */
export function checkSample(sample: tf.Tensor4D, channels: number, divisor = 1, least = divisor): void {
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
  if (sample.shape[0] === 0) refuse('of one image or more');
  if (sample.shape[1] < least || sample.shape[2] < least) {
    refuse(`of sides of ${least} pixels or more`, 'pad or resize the images');
  }
}

/**
 * Diffusion times as a float32 tensor [images]. Throws `UNET_TIMESTEPS` for a wrong count, numbers that are not finite, and
 * numbers outside 0 .. count - 1 where the model knows a `count` of steps. Values of a tensor are looked at where that does
 * not wait for a device (see `valuesAtHand`).
 */
export function timestepTensor(timesteps: Timesteps, images: number, count?: number): tf.Tensor1D {
  return numberPerImage(timesteps, images, count, 'timesteps', 'UNET_TIMESTEPS');
}

/** Numbers as float32 [images], by the rules of `timestepTensor`; what does not keep them is refused under another name. */
export function numberPerImage(
  numbers: Timesteps,
  images: number,
  count: number | undefined,
  argument: string,
  code: string,
): tf.Tensor1D {
  const refuse = (allowed: string): never => {
    throw new UNetError(code, invalidArgument({ argument, value: numbers, allowed }));
  };
  const isTensor = numbers instanceof tf.Tensor;
  if (!isTensor && typeof numbers !== 'number' && typeof numbers?.length !== 'number') {
    refuse('a number, an array of numbers or a tensor');
  }
  if (isTensor && numbers.rank > 1) refuse('a number, a scalar or one number per image');
  if (isTensor && numbers.dtype !== 'float32' && numbers.dtype !== 'int32') {
    refuse(`of type float32 or int32, but it is ${numbers.dtype}`);
  }
  const values = isTensor ? valuesAtHand(numbers) : typeof numbers === 'number' ? [numbers] : numbers;
  const single = typeof numbers === 'number' || (isTensor && numbers.rank === 0);
  const given = isTensor ? numbers.size : values.length;
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
    const times = tf.cast(numbers, 'float32');
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
