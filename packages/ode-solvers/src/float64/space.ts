import type { Space } from '../core/space.ts';
import { accumulate } from './accumulate.ts';

/** A tolerance: one for all components, or one for each. */
export type Tolerance = number | ArrayLike<number>;

/** Size of a vector of errors, each in units of its tolerance; the step is accepted at 1 or less. */
export type Norm = (scaled: Float64Array) => number;

/** The arithmetic of plain vectors, which knows the tolerance of each component. */
export interface Float64Space extends Space<Float64Array> {
  /** Of component i where the state is y. */
  tolerance(y: Float64Array, i: number): number;
  /** Its part that does not depend on the state. */
  absoluteTolerance(i: number): number;
}

/** The space of these tolerances. */
export function float64Space(rtol: Tolerance, atol: Tolerance, norm?: Norm): Float64Space {
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
    tolerance: (y, i) => at(atol, i) + at(rtol, i) * Math.abs(y[i]!),
    absoluteTolerance: (i) => at(atol, i),
    scope: (run) => run(),
    owned: false,
    free: () => undefined,
  };
}

const integers: number[] = [];

/** 0, 1, ..., count - 1; more may follow. */
function upTo(count: number): readonly number[] {
  while (integers.length < count) integers.push(integers.length);
  return integers;
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
