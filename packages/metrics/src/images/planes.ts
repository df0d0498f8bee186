import type { Image } from './image.ts';

/** One channel of a picture in float64, row by row. */
export interface Plane {
  readonly data: Float64Array;
  readonly width: number;
  readonly height: number;
}

/** A picture's channels, or its luma (ITU-R BT.601) where `color` asks for it and there are three or four channels. */
export function planesOf(image: Image, color: 'channels' | 'luma' = 'channels'): Plane[] {
  const { data, width, height, channels } = image;
  const pick = (value: (pixel: number) => number): Plane => {
    const out = new Float64Array(width * height);
    for (let i = 0; i < out.length; i++) out[i] = value(i * channels);
    return { data: out, width, height };
  };
  if (color === 'luma' && channels >= 3) {
    return [pick((i) => 0.299 * data[i]! + 0.587 * data[i + 1]! + 0.114 * data[i + 2]!)];
  }
  return Array.from({ length: channels }, (_, channel) => pick((i) => data[i + channel]!));
}

/** Where the border of a filter takes its values: mirrored with the edge pixel repeated (`symmetric`) or not (`reflect`). */
export type Mirror = 'symmetric' | 'reflect';

/** Separable correlation of a plane with two windows; the result has the plane's size. */
export function filter(plane: Plane, rows: Float64Array, columns: Float64Array, mirror: Mirror = 'symmetric'): Plane {
  const { width, height } = plane;
  const across = new Float64Array(width * height);
  const line = lineFilter(columns, width, mirror);
  for (let y = 0; y < height; y++) line(plane.data, y * width, across);

  const down = new Float64Array(width * height);
  const index = mirrored(height, rows.length >> 1, mirror);
  for (let y = 0; y < height; y++) {
    for (let k = 0; k < rows.length; k++) {
      const weight = rows[k]!;
      const from = index[y + k]! * width;
      for (let x = 0; x < width; x++) down[y * width + x]! += weight * across[from + x]!;
    }
  }
  return { data: down, width, height };
}

/** A filter of one line, with the line's padded copy as scratch. */
function lineFilter(window: Float64Array, width: number, mirror: Mirror) {
  const index = mirrored(width, window.length >> 1, mirror);
  const padded = new Float64Array(index.length);
  return (data: Float64Array, offset: number, out: Float64Array): void => {
    for (let i = 0; i < padded.length; i++) padded[i] = data[offset + index[i]!]!;
    for (let x = 0; x < width; x++) {
      let sum = 0;
      for (let k = 0; k < window.length; k++) sum += window[k]! * padded[x + k]!;
      out[offset + x] = sum;
    }
  };
}

/** Source indices of a line of `size` extended by `radius` on both sides. */
export function mirrored(size: number, radius: number, mirror: Mirror): Int32Array {
  const period = mirror === 'symmetric' ? 2 * size : Math.max(2 * size - 2, 1);
  return Int32Array.from({ length: size + 2 * radius }, (_, i) => {
    const folded = (((i - radius) % period) + period) % period;
    if (folded < size) return folded;
    return mirror === 'symmetric' ? period - 1 - folded : period - folded;
  });
}

/** Mean of a plane without a border of the given widths. */
export function meanInside({ data, width, height }: Plane, top: number, left: number): number {
  let sum = 0;
  for (let y = top; y < height - top; y++) {
    for (let x = left; x < width - left; x++) sum += data[y * width + x]!;
  }
  return sum / ((height - 2 * top) * (width - 2 * left));
}

/**
 * Means over `size` x `size` windows, one window every `size` pixels, the first one centred on the first pixel (to the right
 * of the centre where `size` is even), borders mirrored with the edge pixel: MATLAB's `imfilter` with `'symmetric'`,
 * thinned out, as Wang's scripts do it.
 */
export function thinOut({ data, width, height }: Plane, size: number): Plane {
  const [xs, ys] = [windowIndices(width, size), windowIndices(height, size)];
  const [outWidth, outHeight] = [xs.length / size, ys.length / size];
  const out = new Float64Array(outWidth * outHeight);
  for (let y = 0; y < outHeight; y++) {
    for (let x = 0; x < outWidth; x++) {
      let sum = 0;
      for (let dy = 0; dy < size; dy++) {
        const from = ys[y * size + dy]! * width;
        for (let dx = 0; dx < size; dx++) sum += data[from + xs[x * size + dx]!]!;
      }
      out[y * outWidth + x] = sum / size ** 2;
    }
  }
  return { data: out, width: outWidth, height: outHeight };
}

/** Source indices of all windows of {@link thinOut} along a line, one window after the other. */
export function windowIndices(length: number, size: number): Int32Array {
  const before = (size - 1) >> 1;
  const index = mirrored(length, size, 'symmetric').subarray(size - before);
  return index.slice(0, Math.ceil(length / size) * size);
}
