import { MissingUError } from '@missing-u/errors';

/** What the functions of this package throw; `code` begins with `AUTODIFF_`. */
export class AutodiffError extends MissingUError {}
