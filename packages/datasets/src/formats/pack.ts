import { DatasetError } from '../errors.ts';
import { sizeOf, type ImageShape } from '../image.ts';

/**
 * A pack: pictures of one shape as bytes, one after the other, with labels, in one file. The file begins with a line that
 * names the format, a line of JSON, and spaces up to a multiple of 4096 bytes; then come the pictures, then the labels
 * (int32, little-endian).
 */
export interface PackHeader {
  readonly count: number;
  readonly shape: ImageShape;
  /** Numbers per label; 0 where there are none. */
  readonly labelWidth: number;
  readonly labelNames?: readonly string[];
  readonly name: string;
  readonly classes?: readonly string[];
}

export const PACK_MAGIC = 'missing-u pack 1\n';
const ALIGNMENT = 4096;

export function encodeHeader(header: PackHeader): Uint8Array {
  const text = new TextEncoder().encode(`${PACK_MAGIC}${JSON.stringify(header)}\n`);
  const out = new Uint8Array(Math.ceil(text.length / ALIGNMENT) * ALIGNMENT).fill(0x20);
  out.set(text);
  return out;
}

/** Reads a header from the beginning of a file, and checks that the file is as long as it says. */
export function parseHeader(beginning: Uint8Array, fileSize: number, name: string): PackHeader & { start: number } {
  const text = new TextDecoder().decode(beginning);
  const end = text.indexOf('\n', PACK_MAGIC.length);
  if (!text.startsWith(PACK_MAGIC) || end === -1) {
    throw new DatasetError('DATASETS_NOT_PACK', `${name} is not a pack; make one with \`pack(dataset, file)\`.`);
  }
  const header = JSON.parse(text.slice(PACK_MAGIC.length, end)) as PackHeader;
  const start = Math.ceil(new TextEncoder().encode(text.slice(0, end + 1)).length / ALIGNMENT) * ALIGNMENT;
  const expected = start + header.count * (sizeOf(header.shape) + 4 * header.labelWidth);
  if (fileSize === expected) return { ...header, start };
  throw new DatasetError(
    'DATASETS_TRUNCATED',
    `${name} has ${fileSize} bytes, where its header speaks of ${expected}; make it again.`,
  );
}
