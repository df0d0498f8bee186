import type { ZipEntry } from '../formats/zip.ts';
import type { RangesSpec } from './store.ts';

/** The store of these entries of a zip archive, in this order. */
export function zipStore(file: string, entries: readonly ZipEntry[]): RangesSpec {
  const shared = (bytes: number) => new SharedArrayBuffer(bytes * entries.length);
  const starts = new Float64Array(shared(8));
  const sizes = new Uint32Array(shared(4));
  const crcs = new Uint32Array(shared(4));
  const deflated = new Uint8Array(shared(1));
  entries.forEach((entry, i) => {
    starts[i] = entry.header;
    sizes[i] = entry.packed;
    crcs[i] = entry.crc32;
    deflated[i] = entry.method === 8 ? 1 : 0;
  });
  return { kind: 'ranges', file, starts, sizes, zip: { deflated, crcs } };
}
