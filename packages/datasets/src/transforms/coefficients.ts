/** Interpolation filters, by the names of Pillow. */
export type Filter = 'nearest' | 'box' | 'bilinear' | 'hamming' | 'bicubic' | 'lanczos';

interface Kernel {
  readonly support: number;
  at(x: number): number;
}

const sinc = (x: number) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));

/** The filters of Pillow's `Resample.c`: nonzero for |x| < support. */
export const KERNELS: Readonly<Record<Exclude<Filter, 'nearest'>, Kernel>> = {
  box: { support: 0.5, at: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { support: 1, at: (x) => Math.max(0, 1 - Math.abs(x)) },
  hamming: {
    support: 1,
    // Pillow has these two numbers in single precision.
    at: (x) => (Math.abs(x) >= 1 ? 0 : sinc(x) * (Math.fround(0.54) + Math.fround(0.46) * Math.cos(Math.PI * x))),
  },
  // Keys' cubic with a = -1/2.
  bicubic: {
    support: 2,
    at(x) {
      const a = -0.5;
      const d = Math.abs(x);
      if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
      return d < 2 ? (((d - 5) * d + 8) * d - 4) * a : 0;
    },
  },
  lanczos: { support: 3, at: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

/** Bits behind the point of a weight: 8 bits for a pixel and 2 to spare, as in Pillow. */
export const PRECISION = 32 - 8 - 2;

/** How every output position is made of input positions `first[i] .. first[i] + count[i] - 1`. */
export interface Coefficients {
  readonly first: Int32Array;
  readonly count: Int32Array;
  /** Weights per output position (rows of `stride`), as numbers and in fixed point. */
  readonly stride: number;
  readonly weights: Float64Array;
  readonly fixed: Int32Array;
}

const known = new Map<string, Coefficients>();

/** Weights of one axis, computed once for each pair of sizes. */
export function coefficients(
  from: number,
  to: number,
  filter: Exclude<Filter, 'nearest'>,
  antialias: boolean,
): Coefficients {
  const key = `${from} ${to} ${filter} ${antialias}`;
  let found = known.get(key);
  if (found === undefined) {
    if (known.size > 200) known.clear();
    found = compute(from, to, KERNELS[filter], antialias);
    known.set(key, found);
  }
  return found;
}

/** `precompute_coeffs` and `normalize_coeffs_8bpc` of Pillow's `Resample.c`. */
function compute(from: number, to: number, kernel: Kernel, antialias: boolean): Coefficients {
  const scale = from / to;
  const filterScale = antialias ? Math.max(scale, 1) : 1;
  const support = kernel.support * filterScale;
  const stride = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(to);
  const count = new Int32Array(to);
  const weights = new Float64Array(to * stride);
  const fixed = new Int32Array(to * stride);
  for (let i = 0; i < to; i++) {
    const center = (i + 0.5) * scale;
    const start = Math.max(0, Math.trunc(center - support + 0.5));
    const end = Math.min(from, Math.trunc(center + support + 0.5));
    first[i] = start;
    count[i] = end - start;
    let sum = 0;
    for (let k = 0; k < end - start; k++) {
      const weight = kernel.at((k + start - center + 0.5) / filterScale);
      weights[i * stride + k] = weight;
      sum += weight;
    }
    for (let k = 0; k < end - start; k++) {
      const weight = sum === 0 ? 0 : weights[i * stride + k]! / sum;
      weights[i * stride + k] = weight;
      fixed[i * stride + k] = Math.trunc(weight * 2 ** PRECISION + (weight < 0 ? -0.5 : 0.5));
    }
  }
  return { first, count, stride, weights, fixed };
}
