import { invalidArgument } from '@missing-u/errors';
import type { Generator } from '@missing-u/random';
import { DenoisersError } from './errors.ts';
import { checkLayout, type RasterImage } from './raster.ts';

/**
 * Random squares of random pictures, each turned and mirrored at random unless told otherwise.
 *
 * @param images with the same number of channels, none smaller than a patch
 * @param size side of a patch in pixels
 * @returns the values of [count, size, size, channels]
 * @throws DenoisersError `DENOISERS_BAD_IMAGE`, `DENOISERS_BAD_OPTION`
 */
export function samplePatches(
  images: readonly RasterImage[],
  count: number,
  size: number,
  generator: Generator,
  turns = true,
): Float32Array {
  for (const [argument, value] of Object.entries({ count, size })) {
    if (Number.isInteger(value) && value > 0) continue;
    throw badOption(argument, value, 'an integer of 1 or more');
  }
  if (typeof generator?.integer !== 'function') {
    throw badOption('generator', generator, 'a generator such as createGenerator(seed) of @missing-u/random gives');
  }
  if (!Array.isArray(images)) throw badImages(images, 'a list of pictures');
  for (const [index, image] of (images as readonly RasterImage[]).entries()) checkLayout(image, `images[${index}]`);
  checkPatchable(images, size, images[0]?.channels);
  return drawPatches(images, count, size, generator, turns);
}

/**
 * Refuses pictures with other channels and pictures smaller than a patch.
 *
 * @throws DenoisersError `DENOISERS_BAD_IMAGE`
 */
export function checkPatchable(images: readonly RasterImage[], size: number, channels: number | undefined): void {
  const fits = (image: RasterImage) => Math.min(image.width, image.height) >= size && image.channels === channels;
  if (images.length > 0 && images.every(fits)) return;
  const odd = images.find((image) => !fits(image));
  const value = odd === undefined ? 'an empty list' : `one of ${odd.width}x${odd.height}x${odd.channels}`;
  const alike = channels === undefined ? 'one or more pictures' : `pictures of ${channels} channels`;
  throw badImages(value, `${alike} and at least ${size}x${size} pixels`);
}

/** As `samplePatches`, of arguments that were checked: each step of a training draws some. */
export function drawPatches(
  images: readonly RasterImage[],
  count: number,
  size: number,
  generator: Generator,
  turns: boolean,
): Float32Array {
  const channels = images[0]!.channels;
  const patches = new Float32Array(count * size * size * channels);
  for (let n = 0, to = 0; n < count; n++) {
    const { data, width, height } = images[generator.integer(images.length)]!;
    const top = generator.integer(height - size + 1);
    const left = generator.integer(width - size + 1);
    const turn = turns ? generator.integer(8) : 0;
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        let [row, column] = turn & 1 ? [x, y] : [y, x];
        if (turn & 2) row = size - 1 - row;
        if (turn & 4) column = size - 1 - column;
        const from = ((top + row) * width + left + column) * channels;
        for (let c = 0; c < channels; c++) patches[to++] = data[from + c]!;
      }
    }
  }
  return patches;
}

function badOption(argument: string, value: unknown, allowed: string): DenoisersError {
  return new DenoisersError('DENOISERS_BAD_OPTION', invalidArgument({ argument, value, allowed }));
}

function badImages(value: unknown, allowed: string): DenoisersError {
  return new DenoisersError('DENOISERS_BAD_IMAGE', invalidArgument({ argument: 'images', value, allowed }));
}
