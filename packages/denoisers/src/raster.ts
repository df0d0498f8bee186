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

/** Refuses what is not a picture, and values on the scale of 0 to 255. */
export function checkRaster(image: RasterImage, sigma: number): void {
  const refuse = (value: unknown, allowed: string, remedy: string) => {
    throw new DenoisersError('DENOISERS_BAD_IMAGE', invalidArgument({ argument: 'image', value, allowed, remedy }));
  };
  if (typeof image !== 'object' || image === null) {
    return refuse(image, 'a tensor or { data, width, height, channels }', 'read the picture first');
  }
  const { data, width, height, channels } = image;
  if (!(data instanceof Float32Array) && !(data instanceof Float64Array)) {
    return refuse(data, 'floating-point values of 0 to 1 (Float32Array or Float64Array)', 'divide bytes by 255');
  }
  if (
    ![width, height, channels].every((size) => Number.isInteger(size) && size > 0) ||
    data.length !== width * height * channels
  ) {
    return refuse(
      `${data.length} values for ${width}x${height}x${channels}`,
      'width * height * channels values',
      'check the shape',
    );
  }
  // Noise that was not clipped leaves the range by a few sigma.
  const most = 2 + 8 * sigma;
  const beyond = data.find((value) => !(value >= -most && value <= most));
  if (beyond !== undefined)
    refuse(`values such as ${beyond}`, 'finite values of 0 to 1 (and their noise)', 'divide by 255 where white is 255');
}

/** The standard deviation of noise, on the scale of the values, where more than `most` is taken for another scale. */
export function checkSigma(sigma: number, most = Infinity): void {
  if (sigma >= 0 && sigma <= most && sigma < Infinity) return;
  const remedy = sigma > most ? `on the scale of 0 to 1 that is ${sigma}/255` : 'leave it out to have it estimated';
  const allowed = 'a standard deviation of 0 or more for values of 0 to 1';
  throw new DenoisersError(
    'DENOISERS_BAD_SIGMA',
    invalidArgument({ argument: 'sigma', value: sigma, allowed, remedy }),
  );
}
