import { unknownName } from '@missing-u/errors';
import { DatasetError } from '../errors.ts';
import { emptyLike, type Image } from '../image.ts';
import { heightAndWidth, isPositive, refused } from './check.ts';
import { coefficients, KERNELS, type Coefficients, type Filter } from './coefficients.ts';
import { applyCrop } from './crop.ts';
import { goesDownFirst, resample } from './resample.ts';

/** See {@link resize}. */
export interface Resize {
  readonly transform: 'resize';
  /** A number is the length of the short side; two are height and width. */
  readonly size: number | readonly [height: number, width: number];
  readonly filter: Filter;
  readonly antialias: boolean;
}

/**
 * Changes the size: bytes exactly as `Image.resize` of Pillow 13 (and so torchvision's `Resize` on PIL images), fixed point
 * and order of the passes included. Pillow 12 and before have other bytes where the height shrinks by more than twice as many
 * pixels as the width.
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
  // Only the rows that the pass down the columns looks at.
  const firstRow = rows.first[0]!;
  const lastRow = rows.first.at(-1)! + rows.count.at(-1)!;
  const used = data.subarray(firstRow * width * channels, lastRow * width * channels);
  const shifted = { ...rows, first: rows.first.map((row) => row - firstRow) };
  // torch.nn.functional.interpolate, of which the form without antialiasing is, knows no such order.
  const downFirst = antialias && goesDownFirst(height, width, tall, wide);
  const work = { data: used, height: lastRow - firstRow, width, channels, across: columns, down: shifted, downFirst };
  const out = resample(work);
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
  const columns = nearestOf(width, wide);
  let o = 0;
  for (const row of nearestOf(height, tall)) {
    for (const column of columns) {
      const start = (row * width + column) * channels;
      for (let c = 0; c < channels; c++) out[o++] = data[start + c]!;
    }
  }
  return { data: out, shape: [tall, wide, channels] };
}

/** The nearest of `from` positions for each of `to`. Pillow adds step to step, whose rounding decides between neighbours. */
function nearestOf(from: number, to: number): Int32Array {
  const step = from / to;
  let place = step * 0.5;
  return new Int32Array(to).map(() => {
    const nearest = Math.floor(place);
    place += step;
    return nearest;
  });
}
