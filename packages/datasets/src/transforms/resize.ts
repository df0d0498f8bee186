import { unknownName } from '@missing-u/errors';
import { DatasetError } from '../errors.ts';
import { emptyLike, type Image } from '../image.ts';
import { heightAndWidth, isPositive, refused } from './check.ts';
import { coefficients, KERNELS, type Coefficients, type Filter } from './coefficients.ts';
import { applyCrop } from './crop.ts';
import { resample } from './resample.ts';

/** See {@link resize}. */
export interface Resize {
  readonly transform: 'resize';
  /** A number is the length of the short side; two are height and width. */
  readonly size: number | readonly [height: number, width: number];
  readonly filter: Filter;
  readonly antialias: boolean;
}

/**
 * Changes the size: bytes exactly as Pillow's `Image.resize` (and so torchvision's `Resize` on PIL images), fixed point
 * and order of the passes included.
 *
 * @param size the short side, as torchvision's `Resize(64)`, or `[height, width]`
 * @param options.filter of Pillow: `bilinear` (the default), `bicubic`, `lanczos`, `box`, `hamming`, `nearest`
 * @param options.antialias widen the filter when the picture shrinks, as Pillow always does; `false` gives the two or four
 *   nearest pixels, as `torch.nn.functional.interpolate` does for `bilinear`
 * @throws DatasetError `DATASETS_BAD_TRANSFORM`
 */
export function resize(size: Resize['size'], options: { filter?: Filter; antialias?: boolean } = {}): Resize {
  const { filter = 'bilinear', antialias = true } = options;
  const filters = ['nearest', ...Object.keys(KERNELS)];
  if (!filters.includes(filter)) {
    throw new DatasetError('DATASETS_BAD_TRANSFORM', unknownName('filter', filter, filters));
  }
  if (typeof size === 'number') {
    if (!isPositive(size)) throw refused('size', size, 'an integer of 1 or more, or [height, width]');
  } else heightAndWidth('size', size);
  return { transform: 'resize', size, filter, antialias };
}

export function applyResize(step: Resize, image: Image): Image {
  const [height, width] = resizedShape(step, image);
  if (height === image.shape[0] && width === image.shape[1]) return image;
  return resizeWindow(step, image, { top: 0, left: 0, height, width });
}

/** Height and width that a picture will have. */
export function resizedShape({ size }: Resize, { shape: [height, width] }: Image): readonly [number, number] {
  return typeof size === 'number' ? shortSide(size, height, width) : size;
}

/** A part of a picture, in pixels. */
export interface Window {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/** A part of the resized picture, without the work for the rest of it. */
export function resizeWindow(step: Resize, image: Image, window: Window): Image {
  const { filter, antialias } = step;
  const { data, shape } = image;
  const [height, width, channels] = shape;
  const [tall, wide] = resizedShape(step, image);
  if (filter === 'nearest') return applyCrop({ transform: 'crop', ...window }, nearest(image, tall, wide));
  const columns = part(coefficients(width, wide, filter, antialias), window.left, window.width);
  const rows = part(coefficients(height, tall, filter, antialias), window.top, window.height);
  // Only the rows that the second pass looks at.
  const firstRow = rows.first[0]!;
  const lastRow = rows.first.at(-1)! + rows.count.at(-1)!;
  const used = data.subarray(firstRow * width * channels, lastRow * width * channels);
  const shifted = { ...rows, first: rows.first.map((row) => row - firstRow) };
  const out = resample({ data: used, height: lastRow - firstRow, width, channels, across: columns, down: shifted });
  return { data: out, shape: [window.height, window.width, channels] };
}

function part({ first, count, stride, weights, fixed }: Coefficients, start: number, length: number): Coefficients {
  const end = start + length;
  return {
    first: first.subarray(start, end),
    count: count.subarray(start, end),
    stride,
    weights: weights.subarray(start * stride, end * stride),
    fixed: fixed.subarray(start * stride, end * stride),
  };
}

/** The long side is rounded down, as torchvision does. */
function shortSide(size: number, height: number, width: number): [height: number, width: number] {
  if (width <= height) return [Math.trunc((size * height) / width), size];
  return [size, Math.trunc((size * width) / height)];
}

function nearest({ data, shape: [height, width, channels] }: Image, tall: number, wide: number): Image {
  const out = emptyLike(data, tall * wide * channels);
  let o = 0;
  for (let y = 0; y < tall; y++) {
    const row = Math.floor(((y + 0.5) * height) / tall) * width;
    for (let x = 0; x < wide; x++) {
      const start = (row + Math.floor(((x + 0.5) * width) / wide)) * channels;
      for (let c = 0; c < channels; c++) out[o++] = data[start + c]!;
    }
  }
  return { data: out, shape: [tall, wide, channels] };
}
