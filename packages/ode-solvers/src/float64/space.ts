import type { Space } from '../core/space.ts';

/** A tolerance: one for all components, or one for each. */
export type Tolerance = number | ArrayLike<number>;

/** Size of a vector of errors, each in units of its tolerance; the step is accepted at 1 or less. */
export type Norm = (scaled: Float64Array) => number;

/** The arithmetic of plain vectors. */
export function float64Space(rtol: Tolerance, atol: Tolerance, norm?: Norm): Space<Float64Array> {
  const uniform = typeof rtol === 'number' && typeof atol === 'number';
  return {
    combine(base, scale, weights, terms, picks, into) {
      const sum = into ?? new Float64Array((base ?? terms[0]!).length);
      accumulate(sum, base ?? zeroed(sum), scale, weights, terms, picks ?? upTo(weights.length));
      return sum;
    },

    scaledNorm(y, a, b) {
      if (norm !== undefined || !uniform) {
        const scaled = y.map(
          (value, i) => value / (at(atol, i) + at(rtol, i) * Math.max(Math.abs(a[i]!), Math.abs(b[i]!))),
        );
        return norm === undefined ? rms(scaled) : norm(scaled);
      }
      let sum = 0;
      for (let i = 0; i < y.length; i++) {
        const scaled = y[i]! / (atol + rtol * Math.max(Math.abs(a[i]!), Math.abs(b[i]!)));
        sum += scaled * scaled;
      }
      return y.length === 0 ? 0 : Math.sqrt(sum / y.length);
    },

    dot(a, b) {
      let sum = 0;
      for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
      return sum;
    },

    finiteness: (y) => (y.every(Number.isFinite) ? 0 : NaN),
    scope: (run) => run(),
    owned: false,
    free: () => undefined,
  };
}

/** from + scale · Σ weights[j] · terms[picks[j]], by threes: a loop over the terms of each entry would take most of the time. */
function accumulate(
  sum: Float64Array,
  from: Float64Array,
  scale: number,
  weights: readonly number[],
  terms: readonly Float64Array[],
  picks: readonly number[],
): void {
  const count = weights.length;
  let j = 0;
  for (; j + 2 < count; j += 3) {
    const a = scale * weights[j]!;
    const b = scale * weights[j + 1]!;
    const c = scale * weights[j + 2]!;
    addThree(sum, from, a, terms[picks[j]!]!, b, terms[picks[j + 1]!]!, c, terms[picks[j + 2]!]!);
    from = sum;
  }
  if (count - j === 2) {
    addTwo(sum, from, scale * weights[j]!, terms[picks[j]!]!, scale * weights[j + 1]!, terms[picks[j + 1]!]!);
  } else if (count - j === 1) {
    addOne(sum, from, scale * weights[j]!, terms[picks[j]!]!);
  } else if (from !== sum) {
    sum.set(from);
  }
}

const integers: number[] = [];

/** 0, 1, ..., count - 1; more may follow. */
function upTo(count: number): readonly number[] {
  while (integers.length < count) integers.push(integers.length);
  return integers;
}

function addThree(
  sum: Float64Array,
  from: Float64Array,
  a: number,
  x: Float64Array,
  b: number,
  y: Float64Array,
  c: number,
  z: Float64Array,
): void {
  for (let i = 0; i < sum.length; i++) sum[i] = from[i]! + a * x[i]! + b * y[i]! + c * z[i]!;
}

function addTwo(sum: Float64Array, from: Float64Array, a: number, x: Float64Array, b: number, y: Float64Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] = from[i]! + a * x[i]! + b * y[i]!;
}

function addOne(sum: Float64Array, from: Float64Array, a: number, x: Float64Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] = from[i]! + a * x[i]!;
}

function zeroed(vector: Float64Array): Float64Array {
  for (let i = 0; i < vector.length; i++) vector[i] = 0;
  return vector;
}

function at(tolerance: Tolerance, i: number): number {
  return typeof tolerance === 'number' ? tolerance : tolerance[i]!;
}

function rms(scaled: Float64Array): number {
  return Math.sqrt(scaled.reduce((sum, value) => sum + value * value, 0) / scaled.length);
}
