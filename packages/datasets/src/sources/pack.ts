import { DatasetError } from '../errors.ts';
import { cannotRead } from '../files/disk.ts';
import { sizeOf, type ImageShape } from '../image.ts';
import { nodeModule } from '../platform.ts';
import type { Source } from './source.ts';

/**
 * Pictures of one shape as bytes in a file, from `start` on (Node). Each batch is read straight into its own memory, and the
 * system's file cache does what a memory map would: Node has none.
 */
export function packSource(file: string, start: number, count: number, shape: ImageShape): Source {
  const fs = nodeModule('node:fs');
  const size = sizeOf(shape);
  let handle: number | undefined;
  let closed = false;
  const open = () => {
    if (closed) throw new DatasetError('DATASETS_CLOSED', `${file} was closed; open it again.`);
    try {
      return fs.openSync(file, 'r');
    } catch (cause) {
      throw cannotRead(file, cause);
    }
  };
  const readInto = (out: Uint8Array, offset: number, length: number, row: number) => {
    handle ??= open();
    for (let done = 0; done < length;) {
      const read = fs.readSync(handle, out, offset + done, length - done, start + row * size + done);
      if (read === 0) throw new DatasetError('DATASETS_TRUNCATED', `${file} became shorter while it was read.`);
      done += read;
    }
  };
  return {
    length: count,
    shape,
    async load(row) {
      const data = new Uint8Array(size);
      readInto(data, 0, size, row);
      return { image: { data, shape } };
    },
    gather(rows, out) {
      for (let i = 0; i < rows.length;) {
        // Consecutive rows, as without shuffling, come in one read.
        let run = 1;
        while (i + run < rows.length && rows[i + run] === rows[i]! + run) run++;
        readInto(out, i * size, run * size, rows[i]!);
        i += run;
      }
    },
    nameOf: (row) => `${file}, picture ${row}`,
    close() {
      closed = true;
      if (handle !== undefined) fs.closeSync(handle);
      handle = undefined;
      return Promise.resolve();
    },
  };
}
