import { MissingUError } from '@missing-u/errors';

/** Errors of this package; codes begin with `DATASETS_`. */
export class DatasetError extends MissingUError {}
