import {
  appendFileSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, basename } from 'node:path';
import { DiffusionError } from '../errors.ts';

/** Writes a file so that a reader sees the old content or the new one, never a part, also after a power cut. */
export function writeAtomically(path: string, content: string | Uint8Array): void {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  try {
    writeDurably(temporary, content);
    renameSync(temporary, path);
  } catch (error) {
    removeQuietly(temporary);
    throw outputError(path, error);
  }
}

/** Removes what a failed write has left; that failure is the one to report, not one of the removal. */
export function removeQuietly(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // Nothing was made there: the folder itself is missing or not a folder.
  }
}

/** Writes a file and waits until it is on the disk. */
export function writeDurably(path: string, content: string | Uint8Array): void {
  const file = openSync(path, 'w');
  try {
    writeFileSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Waits until the names in a folder are on the disk. */
export function flushFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** Adds to a file. */
export function append(path: string, content: string | Uint8Array): void {
  try {
    appendFileSync(path, content);
  } catch (error) {
    throw outputError(path, error);
  }
}

/** Makes a folder that files can be written to. */
export function makeFolder(path: string): void {
  try {
    makeMissing(path);
    const probe = join(path, `.probe.${process.pid}`);
    writeFileSync(probe, '');
    rmSync(probe);
  } catch (error) {
    throw outputError(path, error);
  }
}

/** As `mkdir -p`. `mkdirSync` with `recursive` says of a read-only disk that it has no such file. */
function makeMissing(path: string): void {
  if (existsSync(path)) return;
  makeMissing(dirname(path));
  try {
    mkdirSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error; // Another process was first.
  }
}

/** The error of a file that cannot be written, with the reason of the system. */
export function outputError(path: string, cause: unknown): DiffusionError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const message = `Cannot write \`${path}\`: ${reason}. Name a folder that you may write to, on a disk with space left.`;
  return new DiffusionError('DIFFUSION_OUTPUT_NOT_WRITABLE', message, { cause });
}

/** Makes sure, before a long computation, that its result can be written. */
export function checkWritable(file: string): void {
  makeFolder(dirname(file));
}
