import { emptyLike } from '../image.ts';
import { PRECISION, type Coefficients } from './coefficients.ts';

type Numbers = Uint8Array | Float32Array;

/** Resamples each row of `height` rows from `width` pixels to as many as there are coefficients. */
export function resampleRows<T extends Numbers>(
  data: T,
  height: number,
  width: number,
  channels: number,
  coefs: Coefficients,
): T {
  const out = emptyLike(data, height * coefs.first.length * channels);
  if (data instanceof Uint8Array && channels === 3) rows3(data, out as Uint8Array, height, width, coefs);
  else resample(data, out, height, width * channels, channels, coefs);
  return out;
}

/** Resamples the columns: from `height` rows to as many as there are coefficients. */
export function resampleColumns<T extends Numbers>(data: T, height: number, row: number, coefs: Coefficients): T {
  const out = emptyLike(data, coefs.first.length * row);
  if (data instanceof Uint8Array) columns(data, out as Uint8Array, row, coefs);
  else resample(data, out, 1, height * row, row, coefs);
  return out;
}

const HALF = 1 << (PRECISION - 1);

function clip(sum: number): number {
  const value = sum >> PRECISION;
  return value < 0 ? 0 : value > 255 ? 255 : value;
}

/** Rows of three interleaved channels, in fixed point: the case of nearly every photograph. */
function rows3(
  data: Uint8Array,
  out: Uint8Array,
  height: number,
  width: number,
  { first, count, stride, fixed }: Coefficients,
): void {
  let o = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < first.length; x++) {
      let [r, g, b] = [HALF, HALF, HALF];
      let i = (y * width + first[x]!) * 3;
      const start = x * stride;
      const end = start + count[x]!;
      for (let k = start; k < end; k++, i += 3) {
        const weight = fixed[k]!;
        r = (r + data[i]! * weight) | 0;
        g = (g + data[i + 1]! * weight) | 0;
        b = (b + data[i + 2]! * weight) | 0;
      }
      out[o] = clip(r);
      out[o + 1] = clip(g);
      out[o + 2] = clip(b);
      o += 3;
    }
  }
}

/** Columns in fixed point, whole rows at a time so that memory is read in order. */
function columns(data: Uint8Array, out: Uint8Array, row: number, { first, count, stride, fixed }: Coefficients): void {
  const sums = new Int32Array(row);
  for (let y = 0; y < first.length; y++) {
    sums.fill(HALF);
    for (let k = 0; k < count[y]!; k++) {
      const weight = fixed[y * stride + k]!;
      const start = (first[y]! + k) * row;
      for (let x = 0; x < row; x++) sums[x] = sums[x]! + data[start + x]! * weight;
    }
    for (let x = 0; x < row; x++) out[y * row + x] = clip(sums[x]!);
  }
}

/** Any layout: `blocks` blocks of `size` numbers, neighbours along the axis `step` apart. */
function resample(
  data: Numbers,
  out: Numbers,
  blocks: number,
  size: number,
  step: number,
  { first, count, stride, weights, fixed }: Coefficients,
): void {
  const bytes = data instanceof Uint8Array;
  let o = 0;
  for (let start = 0; start < blocks * size; start += size) {
    for (let x = 0; x < first.length; x++) {
      for (let c = 0; c < step; c++) {
        let sum = bytes ? HALF : 0;
        for (let k = 0; k < count[x]!; k++) {
          const value = data[start + (first[x]! + k) * step + c]!;
          sum += value * (bytes ? fixed[x * stride + k]! : weights[x * stride + k]!);
        }
        out[o++] = bytes ? clip(sum) : sum;
      }
    }
  }
}
