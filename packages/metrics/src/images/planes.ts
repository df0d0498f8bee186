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
  const planes = Array.from({ length: channels }, (_, channel) => {
    const out = new Float64Array(width * height);
    for (let i = 0, at = channel; i < out.length; i++, at += channels) out[i] = data[at]!;
    return { data: out, width, height };
  });
  if (color === 'channels' || channels < 3) return planes;
  const [red, green, blue] = planes.map((plane) => plane.data) as [Float64Array, Float64Array, Float64Array];
  return [{ data: red.map((value, i) => 0.299 * value + 0.587 * green[i]! + 0.114 * blue[i]!), width, height }];
}

/** Where the border of a filter takes its values: mirrored with the edge pixel repeated (`symmetric`) or not (`reflect`). */
export type Mirror = 'symmetric' | 'reflect';

/**
 * Separable correlation of a plane with two symmetric windows; the result has the plane's size. Uniform windows go by running
 * sums, whose cost does not depend on their size. `down` takes the result, `across` what is between.
 */
export function filter(
  plane: Plane,
  rows: Float64Array,
  columns: Float64Array,
  mirror: Mirror = 'symmetric',
  across: Float64Array = new Float64Array(plane.data.length),
  down: Float64Array = new Float64Array(plane.data.length),
): Plane {
  const { data, width, height } = plane;
  const index = mirrored(width, columns.length >> 1, mirror);
  const padded = new Float64Array(index.length);
  const alongLine = isUniform(columns) ? averageLine : weighLine;
  for (let from = 0; from < data.length; from += width) {
    for (let i = 0; i < padded.length; i++) padded[i] = data[from + index[i]!]!;
    alongLine(padded, columns, across, from, width);
  }

  const lines = mirrored(height, rows.length >> 1, mirror).map((line) => line * width);
  const alongColumns = isUniform(rows) ? averageColumns : weighColumns;
  alongColumns(across, lines, rows, down, width);
  return { data: down, width, height };
}

function isUniform(window: Float64Array): boolean {
  return window.every((weight) => weight === window[0]);
}

/** out[to + x] = sum over k of window[k] line[x + k]. */
function weighLine(line: Float64Array, window: Float64Array, out: Float64Array, to: number, length: number): void {
  const radius = window.length >> 1;
  for (let x = 0; x < length; x++) {
    let sum = window[radius]! * line[x + radius]!;
    for (let k = 0; k < radius; k++) sum += window[k]! * (line[x + k]! + line[x + 2 * radius - k]!);
    out[to + x] = sum;
  }
}

function averageLine(line: Float64Array, window: Float64Array, out: Float64Array, to: number, length: number): void {
  const size = window.length;
  let sum = 0;
  for (let k = 0; k < size - 1; k++) sum += line[k]!;
  for (let x = 0; x < length; x++) {
    sum += line[x + size - 1]!;
    out[to + x] = sum / size;
    sum -= line[x]!;
  }
}

/** The same for all columns at once, a row of the result at a time; `lines` are the starts of the padded plane's rows. */
function weighColumns(
  data: Float64Array,
  lines: Int32Array,
  window: Float64Array,
  out: Float64Array,
  width: number,
): void {
  const radius = window.length >> 1;
  for (let y = 0, to = 0; to < out.length; y++, to += width) {
    const centre = lines[y + radius]!;
    for (let x = 0; x < width; x++) out[to + x] = window[radius]! * data[centre + x]!;
    for (let k = 0; k < radius; k++) {
      const [above, below, weight] = [lines[y + k]!, lines[y + 2 * radius - k]!, window[k]!];
      for (let x = 0; x < width; x++) out[to + x]! += weight * (data[above + x]! + data[below + x]!);
    }
  }
}

function averageColumns(
  data: Float64Array,
  lines: Int32Array,
  window: Float64Array,
  out: Float64Array,
  width: number,
): void {
  const size = window.length;
  const sums = new Float64Array(width);
  for (let k = 0; k < size - 1; k++) for (let x = 0; x < width; x++) sums[x]! += data[lines[k]! + x]!;
  for (let y = 0, to = 0; to < out.length; y++, to += width) {
    const [first, last] = [lines[y]!, lines[y + size - 1]!];
    for (let x = 0; x < width; x++) {
      const sum = sums[x]! + data[last + x]!;
      out[to + x] = sum / size;
      sums[x] = sum - data[first + x]!;
    }
  }
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
