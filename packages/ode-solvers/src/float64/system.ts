import { invalidArgument, show } from '@missing-u/errors';
import type { SolverStats } from '../core/result.ts';
import type { SecondOrderParts, System } from '../core/space.ts';
import { OdeError } from '../errors.ts';
import { MOST_DENSE, newtonSolver } from './newton.ts';
import type { Float64Space } from './space.ts';

/**
 * dy/dt at time t. Returns the slopes, or writes all of them into `out`, which is faster; neither `y` nor `out` may be kept,
 * as their memory is used again, and `y` must not be written to.
 */
export type VectorField = (t: number, y: Float64Array, out: Float64Array) => ArrayLike<number> | void;

/** The acceleration of x'' = a(t, x, v), for {@link secondOrder}. */
export type VectorAcceleration = (t: number, x: Float64Array, v: Float64Array) => ArrayLike<number>;

/** A field made by {@link secondOrder}. */
export interface SecondOrderVectorField extends VectorField {
  readonly acceleration: VectorAcceleration;
}

/**
 * x'' = a(t, x, v) as a first-order system whose state is x followed by v.
 *
 * @param acceleration a(t, x, v), as long as x.
 */
export function secondOrder(acceleration: VectorAcceleration): SecondOrderVectorField {
  const field = (t: number, y: Float64Array, out: Float64Array): void => {
    const n = halfLength(y);
    out.set(y.subarray(n));
    out.set(accelerationAt(acceleration, t, y), n);
  };
  return Object.assign(field, { acceleration });
}

/** A field with its counts. */
export function float64System(
  field: VectorField | SecondOrderVectorField,
  space: Float64Space,
  stats: SolverStats,
): System<Float64Array> {
  let begun = false;
  const f = (t: number, y: Float64Array, into?: Float64Array): Float64Array => {
    stats.nfe++;
    const out = into ?? new Float64Array(y.length);
    if (!begun) out.fill(NaN);
    const value = field(t, y, out);
    if (!begun && value === undefined) checkWritten(out);
    begun = true;
    if (value === undefined || value === out) return out;
    checkSlopes(value, y.length, 'f(t, y)', 'an array of numbers, or nothing where `out` was filled');
    out.set(value);
    return out;
  };
  return {
    space,
    f,
    linearise: (t, y, ft) => (v) => {
      stats.njev = (stats.njev ?? 0) + 1;
      const size = Math.sqrt(space.dot(v, v));
      // The step that balances truncation and rounding of a forward difference.
      const epsilon = (Math.sqrt(Number.EPSILON) * (1 + Math.sqrt(space.dot(y, y)))) / size;
      return space.combine(undefined, 1 / epsilon, [1, -1], [f(t, space.combine(y, epsilon, [1], [v])), ft]);
    },
    newton(t, y, gamma) {
      if (y.length > MOST_DENSE) return undefined;
      stats.njev = (stats.njev ?? 0) + y.length;
      return newtonSolver(space, (at, into) => f(t, at, into), y, gamma);
    },
    ...('acceleration' in field && { secondOrder: partsOf(field.acceleration, stats) }),
  };
}

function partsOf(acceleration: VectorAcceleration, stats: SolverStats): SecondOrderParts<Float64Array> {
  return {
    acceleration(t, y) {
      stats.nfe++;
      return Float64Array.from(accelerationAt(acceleration, t, y));
    },
    drift(y, h) {
      const next = y.slice();
      const n = y.length / 2;
      for (let i = 0; i < n; i++) next[i]! += h * y[n + i]!;
      return next;
    },
    kick(y, h, a) {
      const next = y.slice();
      const n = y.length / 2;
      for (let i = 0; i < n; i++) next[n + i]! += h * a[i]!;
      return next;
    },
  };
}

function accelerationAt(acceleration: VectorAcceleration, t: number, y: Float64Array): ArrayLike<number> {
  const n = halfLength(y);
  const value = acceleration(t, y.subarray(0, n), y.subarray(n));
  checkSlopes(value, n, 'acceleration(t, x, v)', 'an array of numbers, as many as x has');
  return value;
}

/** A field that forgets its `return` would have the slopes 0, and a constant solution. */
function checkWritten(out: Float64Array): void {
  if (out.length === 0 || !out.every(Number.isNaN)) return;
  const message = 'f(t, y, out) returned nothing, and wrote no number into `out`; it has to do one or the other.';
  throw new OdeError('ODE_FIELD_STRUCTURE', message);
}

function halfLength(y: Float64Array): number {
  if (y.length % 2 === 0) return y.length / 2;
  throw new OdeError(
    'ODE_STATE',
    `The state of a second-order system is x followed by v, but has ${y.length} numbers; give both of the same length.`,
  );
}

function checkSlopes(value: unknown, length: number, call: string, allowed: string): void {
  if (typeof value === 'object' && value !== null && 'then' in value) {
    throw new OdeError(
      'ODE_ASYNC_FIELD',
      `${call} returned a promise, but has to return the slopes themselves; solve without \`async\`.`,
    );
  }
  if (typeof value !== 'object' || value === null || !('length' in value)) {
    throw new OdeError('ODE_FIELD_STRUCTURE', invalidArgument({ argument: call, value, allowed }));
  }
  if (value.length !== length) {
    throw new OdeError(
      'ODE_FIELD_SHAPE',
      `${call} returned ${show(value)} with ${String(value.length)} numbers, but has to return ${length}.`,
    );
  }
}
