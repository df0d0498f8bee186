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

/**
 * Rows of three interleaved channels, in fixed point: the case of nearly every photograph. `Math.imul` and `| 0` keep the
 * sums in integer registers, in two thirds of the time of the plain form.
 */
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
      let r = HALF;
      let g = HALF;
      let b = HALF;
      let i = (y * width + first[x]!) * 3;
      const start = x * stride;
      const end = start + count[x]!;
      for (let k = start; k < end; k++) {
        const weight = fixed[k]!;
        r = (r + Math.imul(data[i]!, weight)) | 0;
        g = (g + Math.imul(data[i + 1]!, weight)) | 0;
        b = (b + Math.imul(data[i + 2]!, weight)) | 0;
        i += 3;
      }
      out[o] = clip(r);
      out[o + 1] = clip(g);
      out[o + 2] = clip(b);
      o += 3;
    }
  }
}

/** Columns in fixed point, four neighbours at a time. */
function columns(data: Uint8Array, out: Uint8Array, row: number, { first, count, stride, fixed }: Coefficients): void {
  for (let y = 0; y < first.length; y++) {
    const start = y * stride;
    const end = start + count[y]!;
    const o = y * row;
    for (let x = 0; x < row; x += 4) {
      let a = HALF;
      let b = HALF;
      let c = HALF;
      let d = HALF;
      let i = first[y]! * row + x;
      for (let k = start; k < end; k++) {
        const weight = fixed[k]!;
        a = (a + Math.imul(data[i]!, weight)) | 0;
        b = (b + Math.imul(data[i + 1]!, weight)) | 0;
        c = (c + Math.imul(data[i + 2]!, weight)) | 0;
        d = (d + Math.imul(data[i + 3]!, weight)) | 0;
        i += row;
      }
      // Past the end of a row stands what the next row overwrites; past the end of the picture, nothing is written.
      out[o + x] = clip(a);
      out[o + x + 1] = clip(b);
      out[o + x + 2] = clip(c);
      out[o + x + 3] = clip(d);
    }
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
