import type { Image, ImageShape } from '../image.ts';
import { sizeOf } from '../image.ts';
import type { Source } from './source.ts';

/** Pictures of one shape as bytes in memory, one after the other. */
export function memorySource(data: Uint8Array, shape: ImageShape, name: string): Source {
  const size = sizeOf(shape);
  const peek = (row: number): Image => ({ data: data.subarray(row * size, (row + 1) * size), shape });
  return {
    length: data.length / size,
    shape,
    peek,
    load: (row) => Promise.resolve({ image: peek(row) }),
    gather(rows, out) {
      for (let i = 0; i < rows.length; i++) {
        const start = rows[i]! * size;
        out.set(data.subarray(start, start + size), i * size);
      }
    },
    nameOf: (row) => `${name}, image ${row}`,
    close: () => Promise.resolve(),
  };
}
