import type { Space } from '../core/space.ts';

/** A tolerance: one for all components, or one for each. */
export type Tolerance = number | ArrayLike<number>;

/** Size of a vector of errors, each in units of its tolerance; the step is accepted at 1 or less. */
export type Norm = (scaled: Float64Array) => number;

/** Vectors, whose memory is used again. */
export interface VectorSpace extends Space<Float64Array> {
  /** A vector of any content. */
  allocate(length: number): Float64Array;
}

/** The arithmetic of plain vectors. */
export function float64Space(rtol: Tolerance, atol: Tolerance, norm?: Norm): VectorSpace {
  const uniform = typeof rtol === 'number' && typeof atol === 'number';
  const spare: Float64Array[] = [];
  const allocate = (length: number): Float64Array => {
    const vector = spare.pop();
    return vector?.length === length ? vector : new Float64Array(length);
  };
  return {
    allocate,
    recycle: (vector) => void spare.push(vector),

    combine(base, scale, weights, terms) {
      const n = (base ?? terms[0]!).length;
      const count = weights.length;
      const sum = allocate(n);
      if (base === undefined) sum.fill(0);
      else for (let i = 0; i < n; i++) sum[i] = base[i]!;
      for (let j = 0; j < count; j++) {
        const factor = scale * weights[j]!;
        if (factor === 0) continue;
        const term = terms[j]!;
        for (let i = 0; i < n; i++) sum[i]! += factor * term[i]!;
      }
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

function at(tolerance: Tolerance, i: number): number {
  return typeof tolerance === 'number' ? tolerance : tolerance[i]!;
}

function rms(scaled: Float64Array): number {
  return Math.sqrt(scaled.reduce((sum, value) => sum + value * value, 0) / scaled.length);
}
