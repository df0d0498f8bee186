import { invalidArgument } from '@missing-u/errors';
import { DiffusionError } from '../errors.ts';

/** An image as bytes, rows from the top, channels last: 1 (grey) or 3 (RGB). */
export interface ByteImage {
  data: Uint8Array;
  width: number;
  height: number;
  channels: number;
}

/**
 * Lays out images of one size as a grid with thin gaps, row by row.
 *
 * @param images [count, height, width, channels] in C order, values in [0, 1], or bytes of 0 to 255: `outputType: 'array'` or `'bytes'`.
 * @param columns images in a row; the default makes the grid as square as possible.
 * @throws DiffusionError `DIFFUSION_BAD_IMAGES`
 */
export function imageGrid(
  images: { data: ArrayLike<number>; shape: readonly number[] },
  { columns, gap = 2 }: { columns?: number; gap?: number } = {},
): ByteImage {
  checkValues(images);
  const scale = isBytes(images.data) ? 1 : 255;
  const [count, height, width, channels] = images.shape as [number, number, number, number];
  const across = columns ?? Math.ceil(Math.sqrt(count));
  const down = Math.ceil(count / across);
  const grid = {
    width: across * (width + gap) + gap,
    height: down * (height + gap) + gap,
    channels,
  };
  const data = new Uint8Array(grid.width * grid.height * channels);
  for (let index = 0; index < count; index++) {
    const left = gap + (index % across) * (width + gap);
    const top = gap + Math.floor(index / across) * (height + gap);
    for (let y = 0; y < height; y++) {
      const from = (index * height + y) * width * channels;
      const to = ((top + y) * grid.width + left) * channels;
      for (let i = 0; i < width * channels; i++) data[to + i] = Math.round(scale * images.data[from + i]!);
    }
  }
  return { ...grid, data };
}

function isBytes(data: ArrayLike<number>): boolean {
  return data instanceof Uint8Array || data instanceof Uint8ClampedArray;
}

/** A tensor has a shape as well, and its `data` is a method. */
function checkValues(images: { data: ArrayLike<number>; shape: readonly number[] }): void {
  const { data, shape } = images ?? {};
  const count = Array.isArray(shape) && shape.length === 4 ? (shape as number[]).reduce((a, b) => a * b, 1) : NaN;
  if (typeof data === 'object' && data !== null && data.length === count) return;
  const allowed = '{ data, shape }: an array of as many values as [count, height, width, channels] says';
  const remedy = "sample with `outputType: 'array'`; of a tensor, `{ data: await images.data(), shape: images.shape }`";
  throw new DiffusionError(
    'DIFFUSION_BAD_IMAGES',
    invalidArgument({ argument: 'images', value: images, allowed, remedy }),
  );
}
