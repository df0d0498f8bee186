import { DatasetError } from '../errors.ts';
import type { Image } from '../image.ts';

/** Bytes before the part that says how large the picture is. */
const FILE_HEADER = 14;
const BITFIELDS = 3;

/**
 * Decodes a BMP file to RGB: colours from a table (1, 4 or 8 bits) or in 24 or 32 bits, whose opacity is left out.
 *
 * @throws DatasetError `DATASETS_UNSUPPORTED_IMAGE` for packed ones and other bits
 */
export function decodeBmp(bytes: Uint8Array): Image {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < FILE_HEADER + 40) throw new Error('it is cut short');
  const start = view.getUint32(10, true);
  const headerBytes = view.getUint32(14, true);
  const width = view.getInt32(18, true);
  const signed = view.getInt32(22, true);
  const bits = view.getUint16(28, true);
  const height = Math.abs(signed);
  if (headerBytes < 40) throw unsupported('of the form of OS/2');
  checkPacking(view, bits);
  if (width < 1 || height < 1) throw new Error('it has no pixels');
  // Rows begin at multiples of four bytes.
  const stride = Math.ceil((width * bits) / 32) * 4;
  if (start + stride * height > bytes.length) throw new Error('it is cut short');
  const table = FILE_HEADER + headerBytes;
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    // The lowest row comes first, unless the height is negative.
    const row = start + stride * (signed < 0 ? y : height - 1 - y);
    for (let x = 0; x < width; x++) {
      const at = bits > 8 ? row + x * (bits >> 3) : table + 4 * indexAt(bytes, row, x, bits);
      const o = (y * width + x) * 3;
      data[o] = bytes[at + 2]!;
      data[o + 1] = bytes[at + 1]!;
      data[o + 2] = bytes[at]!;
    }
  }
  return { data, shape: [height, width, 3] };
}

function indexAt(bytes: Uint8Array, row: number, x: number, bits: number): number {
  const bit = x * bits;
  return (bytes[row + (bit >> 3)]! >> (8 - bits - (bit & 7))) & ((1 << bits) - 1);
}

function checkPacking(view: DataView, bits: number): void {
  const packing = view.getUint32(30, true);
  if (![1, 4, 8, 24, 32].includes(bits)) throw unsupported(`of ${bits} bits`);
  if (packing === 0) return;
  if (packing !== BITFIELDS || bits !== 32) throw unsupported(`packed by method ${packing}`);
  if (view.byteLength < FILE_HEADER + 52) throw new Error('it is cut short');
  const [red, green, blue] = [54, 58, 62].map((at) => view.getUint32(at, true));
  if (red !== 0xff0000 || green !== 0xff00 || blue !== 0xff) throw unsupported('with its colours in another order');
}

function unsupported(what: string): DatasetError {
  return new DatasetError(
    'DATASETS_UNSUPPORTED_IMAGE',
    `This is a BMP file ${what}, which is not read; convert it to PNG.`,
  );
}
