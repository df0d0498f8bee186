import { MissingUError, invalidArgument, type BadArgument } from '@missing-u/errors';

/** Errors of this package; codes begin with `METRIC_`. */
export class MetricError extends MissingUError {}

/** Refuses an argument: `METRIC_BAD_ARGUMENT` with the sentence that names it. */
export function refuse(bad: BadArgument, code = 'METRIC_BAD_ARGUMENT'): never {
  throw new MetricError(code, invalidArgument(bad));
}
