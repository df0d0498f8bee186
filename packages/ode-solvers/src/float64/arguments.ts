import { invalidArgument } from '@missing-u/errors';
import { OdeError } from '../errors.ts';
import type { Tolerance } from './space.ts';

/** The initial state as a vector, refused where a solver could not work on it. */
export function checkedState(y0: ArrayLike<number>): Float64Array {
  if (typeof y0 !== 'object' || y0 === null || !('length' in y0)) {
    throw new OdeError('ODE_STATE', invalidArgument({ argument: 'y0', value: y0, allowed: 'an array of numbers' }));
  }
  const state = Float64Array.from(y0);
  if (!state.every(Number.isFinite)) {
    throw new OdeError('ODE_NON_FINITE', invalidArgument({ argument: 'y0', value: state, allowed: 'finite numbers' }));
  }
  return state;
}

/** Refuses a tolerance that is not positive, or not one for each of `length` components, where that is known. */
export function checkTolerance(argument: string, value: Tolerance, length?: number): void {
  const isList = typeof value === 'object' && value !== null && 'length' in value;
  const numbers: unknown[] = isList ? Array.from(value) : [value];
  const fits = !isList || length === undefined || numbers.length === length;
  const positive = (number: unknown) => typeof number === 'number' && number > 0 && Number.isFinite(number);
  if (fits && numbers.every(positive)) return;
  const allowed =
    length === undefined
      ? 'a positive number, or one for each component'
      : `a positive number, or ${length} of them, one for each component`;
  throw new OdeError('ODE_TOLERANCE', invalidArgument({ argument, value, allowed }));
}
