import { MissingUError } from '@missing-u/errors';

/** Errors of this package; `code` starts with `UNET_`. */
export class UNetError extends MissingUError {}
