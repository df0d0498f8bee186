import { MissingUError, invalidArgument, unknownName, type BadArgument } from '@missing-u/errors';

/** Errors of this package; codes begin with `SCHEDULER_`. */
export class SchedulerError extends MissingUError {}

/** Throws `SCHEDULER_INVALID_ARGUMENT`. */
export function refuse(bad: BadArgument): never {
  throw new SchedulerError('SCHEDULER_INVALID_ARGUMENT', invalidArgument(bad));
}

/** Throws `SCHEDULER_UNKNOWN_NAME` unless `value` is one of the known names. */
export function checkName<T extends string>(argument: string, value: unknown, known: readonly T[]): asserts value is T {
  if (!known.includes(value as T)) {
    throw new SchedulerError('SCHEDULER_UNKNOWN_NAME', unknownName(argument, value, known));
  }
}
