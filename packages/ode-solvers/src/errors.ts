import { MissingUError } from '@missing-u/errors';

/** What this package throws; `code` begins with `ODE_`. */
export class OdeError extends MissingUError {}
