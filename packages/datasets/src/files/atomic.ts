import { DatasetError } from '../errors.ts';
import { nodeModule } from '../platform.ts';

/**
 * Writes a file so that it is there as a whole or not at all: into a temporary file beside it, which is flushed to disk and
 * then renamed. Two processes that write the same file do not disturb each other; the last one wins.
 *
 * @throws DatasetError `DATASETS_CANNOT_WRITE` when the disk is full or the folder read-only; nothing is left behind then
 */
export async function writeAtomically(
  path: string,
  write: (append: (bytes: Uint8Array) => Promise<void>) => Promise<void>,
): Promise<void> {
  const fs = nodeModule('node:fs').promises;
  const temporary = temporaryBeside(path);
  try {
    const file = await fs.open(temporary, 'wx');
    try {
      await write(async (bytes) => {
        for (let done = 0; done < bytes.length;) {
          done += (await file.write(bytes, done, Math.min(bytes.length - done, 2 ** 30))).bytesWritten;
        }
      });
      await file.sync();
    } finally {
      await file.close();
    }
    await fs.rename(temporary, path);
  } catch (cause) {
    await fs.rm(temporary, { force: true });
    if (!isSystemError(cause)) throw cause;
    const full = cause.code === 'ENOSPC' || cause.code === 'EDQUOT';
    throw new DatasetError(
      'DATASETS_CANNOT_WRITE',
      `Cannot write ${path}: ${full ? 'the disk is full; nothing was kept' : cause.message}.`,
      { cause },
    );
  }
}

/** A name beside this one that nobody else uses, in this process or another. */
export function temporaryBeside(path: string): string {
  return `${path}.${process.pid}-${crypto.randomUUID().slice(0, 8)}.tmp`;
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error;
}
