/**
 * The two passes of Pillow's `Resample.c` over bytes, in its fixed point: 22 bits behind the point, half a unit added before
 * the shift, the result clipped to 0 .. 255. Positions and weights of an axis lie in memory as `first[n]`, `count[n]` and
 * `weights[n][stride]`, all int32. Up to 16 bytes past the end of the input are read, and not used.
 */

/** Where the memory of the caller begins. */
export const HEAP: usize = __heap_base;

const HALF: i32 = 1 << 21;
const BITS: i32 = 22;

function pixel(at: usize): v128 {
  return i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_u(v128.load32_zero(at)));
}

function put(at: usize, sum: v128, channels: i32): void {
  const words = i16x8.narrow_i32x4_s(i32x4.shr_s(sum, BITS), i32x4.splat(0));
  const bytes = i8x16.narrow_i16x8_u(words, words);
  if (channels == 4) {
    v128.store32_lane(at, bytes, 0);
  } else {
    v128.store16_lane(at, bytes, 0);
    v128.store8_lane(at, bytes, 2, 2);
  }
}

/** Rows of three or four interleaved channels: a pixel is four lanes, the last of them unused where there are three. */
export function rows(
  from: usize,
  to: usize,
  height: i32,
  width: i32,
  channels: i32,
  n: i32,
  first: usize,
  count: usize,
  stride: i32,
  weights: usize,
): void {
  const row: usize = width * channels;
  const out: usize = n * channels;
  const half = i32x4.splat(HALF);
  let y = 0;
  // Four rows at a time share the weights.
  for (; y + 4 <= height; y += 4, from += 4 * row, to += 4 * out) {
    for (let x = 0; x < n; x++) {
      let at: usize = from + load<i32>(first + (x << 2)) * channels;
      let weight: usize = weights + ((x * stride) << 2);
      const end: usize = weight + (load<i32>(count + (x << 2)) << 2);
      let a = half;
      let b = half;
      let c = half;
      let d = half;
      for (; weight < end; weight += 4, at += channels) {
        const w = v128.load32_splat(weight);
        a = i32x4.add(a, i32x4.mul(pixel(at), w));
        b = i32x4.add(b, i32x4.mul(pixel(at + row), w));
        c = i32x4.add(c, i32x4.mul(pixel(at + 2 * row), w));
        d = i32x4.add(d, i32x4.mul(pixel(at + 3 * row), w));
      }
      const o: usize = to + x * channels;
      put(o, a, channels);
      put(o + out, b, channels);
      put(o + 2 * out, c, channels);
      put(o + 3 * out, d, channels);
    }
  }
  for (; y < height; y++, from += row, to += out) {
    for (let x = 0; x < n; x++) {
      let at: usize = from + load<i32>(first + (x << 2)) * channels;
      let weight: usize = weights + ((x * stride) << 2);
      const end: usize = weight + (load<i32>(count + (x << 2)) << 2);
      let a = half;
      for (; weight < end; weight += 4, at += channels)
        a = i32x4.add(a, i32x4.mul(pixel(at), v128.load32_splat(weight)));
      put(to + x * channels, a, channels);
    }
  }
}

/** Columns of rows of `row` bytes, 16 neighbours at a time; `to` has room for 16 bytes past the end. */
export function columns(
  from: usize,
  to: usize,
  row: i32,
  n: i32,
  first: usize,
  count: usize,
  stride: i32,
  weights: usize,
): void {
  const half = i32x4.splat(HALF);
  for (let y = 0; y < n; y++, to += row) {
    const start: usize = from + load<i32>(first + (y << 2)) * row;
    const weight: usize = weights + ((y * stride) << 2);
    const end: usize = weight + (load<i32>(count + (y << 2)) << 2);
    // What is written past the end of a row is overwritten by the next one.
    for (let x = 0; x < row; x += 16) {
      let at: usize = start + x;
      let a = half;
      let b = half;
      let c = half;
      let d = half;
      for (let k = weight; k < end; k += 4, at += row) {
        const w = v128.load32_splat(k);
        const bytes = v128.load(at);
        const low = i16x8.extend_low_i8x16_u(bytes);
        const high = i16x8.extend_high_i8x16_u(bytes);
        a = i32x4.add(a, i32x4.mul(i32x4.extend_low_i16x8_s(low), w));
        b = i32x4.add(b, i32x4.mul(i32x4.extend_high_i16x8_s(low), w));
        c = i32x4.add(c, i32x4.mul(i32x4.extend_low_i16x8_s(high), w));
        d = i32x4.add(d, i32x4.mul(i32x4.extend_high_i16x8_s(high), w));
      }
      const first8 = i16x8.narrow_i32x4_s(i32x4.shr_s(a, BITS), i32x4.shr_s(b, BITS));
      const last8 = i16x8.narrow_i32x4_s(i32x4.shr_s(c, BITS), i32x4.shr_s(d, BITS));
      v128.store(to + x, i8x16.narrow_i16x8_u(first8, last8));
    }
  }
}
