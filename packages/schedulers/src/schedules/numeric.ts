import type { Precision } from '../precision.ts';

/** Rounds halves to even, as NumPy and PyTorch do. */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** `numpy.linspace`: `count` numbers from `start` to `end`, both included; one number is `start`. */
export function linspace(start: number, end: number, count: number): Float64Array {
  const step = (end - start) / (count - 1);
  const out = Float64Array.from({ length: count }, (_, i) => i * step + start);
  if (count === 1) out[0] = start;
  else out[count - 1] = end;
  return out;
}

/** `torch.linspace` in float32, which counts down from the end in its second half, or `numpy.linspace` in float64. */
export function torchLinspace(start: number, end: number, count: number, precision: Precision): Float64Array {
  if (precision === 'float64' || count === 1) return linspace(start, end, count);
  const [first, last] = [Math.fround(start), Math.fround(end)];
  const step = Math.fround(Math.fround(last - first) / (count - 1));
  const half = Math.floor(count / 2);
  return Float64Array.from({ length: count }, (_, i) =>
    Math.fround(i < half ? first + step * i : last - step * (count - 1 - i)),
  );
}

/** `numpy.interp`: piecewise linear through (xs, ys), xs ascending, constant outside. */
export function interpolate(x: number, xs: ArrayLike<number>, ys: ArrayLike<number>): number {
  const last = xs.length - 1;
  if (x <= xs[0]!) return ys[0]!;
  if (x >= xs[last]!) return ys[last]!;
  let low = 0;
  let high = last;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (xs[middle]! <= x) low = middle;
    else high = middle;
  }
  const slope = (ys[high]! - ys[low]!) / (xs[high]! - xs[low]!);
  return slope * (x - xs[low]!) + ys[low]!;
}

/** Running products: float64, or as torch forms them in float32 (accumulated in float64, each entry rounded). */
export function cumulativeProduct(factors: Float64Array, precision: Precision): Float64Array {
  let product = 1;
  const products = factors.map((factor) => (product *= factor));
  return precision === 'float32' ? products.map(Math.fround) : products;
}
