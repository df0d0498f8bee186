import { invalidArgument } from '@missing-u/errors';
import { OdeError } from '../errors.ts';

/** Output times, checked: finite, and strictly monotonic. Returns plain numbers. */
export function checkedTimes(ts: ArrayLike<number>, argument = 'ts'): number[] {
  const allowed = 'finite numbers that strictly increase or strictly decrease, the initial time first';
  if (typeof ts !== 'object' || ts === null || !('length' in ts)) {
    throw new OdeError('ODE_TIMES', invalidArgument({ argument, value: ts, allowed: `an array of ${allowed}` }));
  }
  const times = Array.from(ts);
  if (times.length === 0) {
    throw new OdeError('ODE_TIMES', invalidArgument({ argument, value: times, allowed: `at least one of ${allowed}` }));
  }
  const sign = Math.sign((times[1] ?? 1) - times[0]!);
  const ordered = times.every((t, i) => i === 0 || Math.sign(t - times[i - 1]!) === sign);
  if (!times.every(Number.isFinite) || (times.length > 1 && (sign === 0 || !ordered))) {
    throw new OdeError('ODE_TIMES', invalidArgument({ argument, value: times, allowed }));
  }
  return times;
}

/** The float64 number next to t in direction `sign`. */
export function nextFloat(t: number, sign: number): number {
  if (t === 0) return sign * Number.MIN_VALUE;
  const bits = new BigInt64Array(1);
  const value = new Float64Array(bits.buffer);
  value[0] = t;
  bits[0]! += t > 0 === sign > 0 ? 1n : -1n;
  return value[0];
}
