import { WeightsError } from './errors.ts';
import { nodeModule } from './node.ts';

/** Writes the pieces to a temporary file beside `path` and renames it, so that `path` is either the old file or the whole new one. */
export async function writeFileAtomically(path: string, pieces: Iterable<Uint8Array>): Promise<void> {
  const fs = nodeModule('node:fs/promises');
  if (fs === undefined) {
    throw new WeightsError(
      'WEIGHTS_NO_FILES',
      `There is no file system here to write '${path}'; use the encode function and keep the bytes.`,
    );
  }
  // Of this call alone: several of one process, or its threads, may write to one path at the same time.
  const temporary = `${path}.${crypto.randomUUID()}.tmp`;
  try {
    const file = await fs.open(temporary, 'w');
    try {
      for (const piece of pieces) {
        for (let done = 0; done < piece.byteLength;) {
          const { bytesWritten } = await file.write(piece, done, Math.min(piece.byteLength - done, 2 ** 30));
          done += bytesWritten;
        }
      }
    } finally {
      await file.close();
    }
    await fs.rename(temporary, path);
  } catch (cause) {
    await fs.rm(temporary, { force: true });
    if (cause instanceof WeightsError) throw cause;
    throw new WeightsError('WEIGHTS_CANNOT_WRITE', `Cannot write '${path}': ${(cause as Error).message}.`, { cause });
  }
}
