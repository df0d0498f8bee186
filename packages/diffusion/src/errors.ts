import { MissingUError } from '@missing-u/errors';

/** Errors of this package; codes begin with `DIFFUSION_`. */
export class DiffusionError extends MissingUError {}
