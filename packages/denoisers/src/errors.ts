import { MissingUError } from '@missing-u/errors';

/** Errors of this package; codes begin with `DENOISERS_`. */
export class DenoisersError extends MissingUError {}
