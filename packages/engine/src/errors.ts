import { MissingUError } from '@missing-u/errors';

/** What this package throws. `code` begins with `ENGINE_`. */
export class EngineError extends MissingUError {}
