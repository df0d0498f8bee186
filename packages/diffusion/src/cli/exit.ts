import { MissingUError } from '@missing-u/errors';
import { CommanderError } from 'commander';

/** Exit statuses: 0 done, 1 our own fault, 2 bad input, 128 + n ended by signal n. */
export const exitStatus = { done: 0, bug: 1, badInput: 2 } as const;

/** Thrown when a signal has ended a command in good order. */
export class Interrupted extends Error {
  readonly status: number;

  constructor(signal: 'SIGINT' | 'SIGTERM') {
    super(`ended by ${signal}`);
    this.status = signal === 'SIGINT' ? 130 : 143;
  }
}

/** Prints what a person needs of an error (one line for bad input, the stack for a bug) and returns the exit status. */
export function report(error: unknown, print: (text: string) => void): number {
  if (error instanceof Interrupted) return error.status;
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitStatus.done : exitStatus.badInput;
  if (error instanceof MissingUError) {
    print(`missing-u: ${error.message} [${error.code}]`);
    return exitStatus.badInput;
  }
  print(
    `missing-u: this should not have happened, please report it\n${error instanceof Error ? error.stack : String(error)}`,
  );
  return exitStatus.bug;
}
