import { MissingUError, type ErrorDetails } from '@missing-u/errors';

/** What this package throws. `code` begins with `ENGINE_`. */
export class EngineError extends MissingUError {
  /** The one command that helps, where one does; the message has it too. */
  readonly remedy?: string;

  constructor(code: string, message: string, details: ErrorDetails & { remedy?: string } = {}) {
    super(code, message, details);
    if (details.remedy !== undefined) this.remedy = details.remedy;
  }
}
