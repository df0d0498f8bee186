import { MissingUError } from '@missing-u/errors';

/** Errors of this package; codes begin with `WEIGHTS_`. */
export class WeightsError extends MissingUError {}
