import type * as tf from '@tensorflow/tfjs-core';
import { invalidArgument } from '@missing-u/errors';
import { DenoisersError } from './errors.ts';

/** A picture in memory: rows from the top, channels of a pixel next to each other, values of 0 to 1. */
export interface RasterImage {
  readonly data: Float32Array | Float64Array;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}

/** A picture as plain memory, or as a tensor of shape [height, width] or [height, width, channels]. */
export type Picture = RasterImage | tf.Tensor2D | tf.Tensor3D;

export function isTensor(picture: Picture): picture is tf.Tensor2D | tf.Tensor3D {
  return typeof picture === 'object' && picture !== null && 'dataSync' in picture;
}

/** The shape that a tensor has as a picture. */
export function rasterShape(tensor: tf.Tensor2D | tf.Tensor3D): Omit<RasterImage, 'data'> {
  const [height, width, channels = 1] = tensor.shape as number[];
  if (tensor.rank !== 2 && tensor.rank !== 3) {
    const allowed =
      'a tensor of shape [height, width] or [height, width, channels], or { data, width, height, channels }';
    throw new DenoisersError('DENOISERS_BAD_IMAGE', invalidArgument({ argument: 'image', value: tensor, allowed }));
  }
  return { width: width!, height: height!, channels };
}

type Refuse = (value: unknown, allowed: string, remedy: string) => never;

function refuseImage(argument: string, value: unknown, allowed: string, remedy: string): never {
  throw new DenoisersError('DENOISERS_BAD_IMAGE', invalidArgument({ argument, value, allowed, remedy }));
}

/** Refuses what is not a picture, without a look at its values. */
export function checkLayout(image: RasterImage, argument: string): void {
  if (typeof image !== 'object' || image === null) {
    refuseImage(argument, image, 'a picture such as { data, width, height, channels }', 'read the picture first');
  }
  const { data, width, height, channels } = image;
  if (data === undefined) {
    const allowed = '{ data, width, height, channels } of floating-point values';
    refuseImage(argument, image, allowed, 'give the values as `data`, a Float32Array or Float64Array');
  }
  if (!(data instanceof Float32Array) && !(data instanceof Float64Array)) {
    const allowed = 'floating-point values of 0 to 1 (Float32Array or Float64Array)';
    refuseImage(argument, data, allowed, 'divide bytes by 255');
  }
  const sized = [width, height, channels].every((size) => Number.isInteger(size) && size > 0);
  if (sized && data.length === width * height * channels) return;
  const value = `${data.length} values for ${width}x${height}x${channels}`;
  refuseImage(argument, value, 'width * height * channels values', 'check the shape');
}

/** Refuses what is not a picture, and values on the scale of 0 to 255, also where it shows in sigma; undefined where it is not known. */
export function checkRaster(image: RasterImage, sigma: number | undefined): void {
  checkLayout(image, 'image');
  const { data } = image;
  const refuse: Refuse = (value, allowed, remedy) => refuseImage('image', value, allowed, remedy);
  // Noise that was not clipped leaves the range by a few sigma.
  const most = 2 + 8 * (sigma ?? 1);
  const beyond = data.find((value) => !(value >= -most && value <= most));
  if (beyond !== undefined)
    refuse(`values such as ${beyond}`, 'finite values of 0 to 1 (and their noise)', 'divide by 255 where white is 255');
  if (sigma !== undefined && sigma >= 1) checkStrongNoise(data, sigma, refuse);
}

/**
 * Noise of 1 and more is possible, but a sigma for 0 to 255 is likelier. The values tell: those of a picture of 0 to 1 have a mean
 * of 0 to 1, which the noise leaves as it is, and spread at least as much as their noise.
 */
function checkStrongNoise(data: RasterImage['data'], sigma: number, refuse: Refuse): void {
  let [sum, squares] = [0, 0];
  for (const value of data) {
    sum += value;
    squares += value * value;
  }
  const mean = sum / data.length;
  const spread = Math.sqrt(Math.max(0, squares / data.length - mean * mean));
  if (Math.abs(mean - 0.5) > 1 + (5 * sigma) / Math.sqrt(data.length)) {
    refuse(`values with a mean of ${mean.toPrecision(3)}`, 'values of 0 to 1 (and their noise)', 'divide by 255');
  }
  if (spread >= sigma / 2) return;
  const value = `${sigma} for values with a standard deviation of ${spread.toPrecision(3)}, noise and all`;
  const allowed = 'the standard deviation of the noise on the scale of the values, 0 to 1';
  const remedy = `a noise of ${sigma} for 0 to 255 is ${sigma}/255`;
  throw new DenoisersError('DENOISERS_BAD_SIGMA', invalidArgument({ argument: 'sigma', value, allowed, remedy }));
}

/** The standard deviation of noise, on the scale of the values, where more than `most` is taken for another scale. */
export function checkSigma(sigma: number, most = Infinity): void {
  if (typeof sigma === 'number' && sigma >= 0 && sigma <= most && sigma < Infinity) return;
  const remedy = sigma > most ? `on the scale of 0 to 1 that is ${sigma}/255` : 'leave it out to have it estimated';
  const allowed = 'a standard deviation of 0 or more for values of 0 to 1';
  throw new DenoisersError(
    'DENOISERS_BAD_SIGMA',
    invalidArgument({ argument: 'sigma', value: sigma, allowed, remedy }),
  );
}
