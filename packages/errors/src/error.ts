/** What an error can carry besides its text. */
export interface ErrorDetails {
  /** The error that led to this one. */
  cause?: unknown;
}

/**
 * The error of every `@missing-u` package: `message` says what is wrong and what to do, `code` stays the same from release
 * to release, so programs test `error.code` and never the text. `name` tells the package (`OdeError`, `SchedulerError`...).
 *
 * A package makes its own class once: `export class OdeError extends MissingUError {}`.
 */
export class MissingUError extends Error {
  /** Stable, upper case, for example `ODE_UNKNOWN_METHOD`. */
  readonly code: string;

  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.name = new.target.name;
  }
}
