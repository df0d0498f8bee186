import { MissingUError } from '@missing-u/errors';

/** Errors of this package; `code` starts with `CUNET_`. */
export class CUNetError extends MissingUError {}
