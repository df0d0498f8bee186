import { MissingUError } from '@missing-u/errors';

/** Errors of this package; codes begin with `RANDOM_`. */
export class RandomError extends MissingUError {}
