import { DatasetError } from '../errors.ts';
import { nodeModule } from '../platform.ts';
import { cannotRead, isMissing } from './disk.ts';

/** Bytes that can be read piece by piece. */
export interface RandomAccess {
  readonly name: string;
  readonly size: number;
  /** `length` bytes from `start` on. @throws DatasetError `DATASETS_TRUNCATED` where there are not so many */
  read(start: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
  close(): Promise<void>;
}

/** Opens a file on disk (Node). @throws DatasetError `DATASETS_MISSING_FILE`, `DATASETS_UNREADABLE` */
export async function openFile(path: string): Promise<RandomAccess> {
  const handle = await nodeModule('node:fs')
    .promises.open(path, 'r')
    .catch((cause: unknown) => {
      if (!isMissing(cause)) throw cannotRead(path, cause);
      throw new DatasetError('DATASETS_MISSING_FILE', `There is no file ${path}.`, { cause });
    });
  const { size } = await handle.stat();
  return {
    name: path,
    size,
    async read(start, length) {
      const bytes = new Uint8Array(length);
      for (let done = 0; done < length;) {
        const { bytesRead } = await handle.read(bytes, done, length - done, start + done);
        if (bytesRead === 0) throw endsEarly(path, start + length, size);
        done += bytesRead;
      }
      return bytes;
    },
    close: () => handle.close(),
  };
}

/** Runs `use` on an open file, and closes it whatever happens. */
export async function withFile<T>(path: string, use: (file: RandomAccess) => Promise<T>): Promise<T> {
  const file = await openFile(path);
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

function endsEarly(name: string, needed: number, size: number): DatasetError {
  return new DatasetError(
    'DATASETS_TRUNCATED',
    `${name} is cut short: byte ${needed} is needed, but it has ${size}; fetch it again.`,
  );
}
