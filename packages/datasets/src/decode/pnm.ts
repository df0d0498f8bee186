import { DatasetError } from '../errors.ts';
import type { Image } from '../image.ts';

/**
 * Decodes a binary PGM (grey) or PPM (RGB) file of bytes.
 *
 * @throws DatasetError `DATASETS_UNSUPPORTED_IMAGE` for text, bitmaps and values other than 0 .. 255
 */
export function decodePnm(bytes: Uint8Array): Image {
  const kind = String.fromCharCode(bytes[1]!);
  if (kind !== '5' && kind !== '6') throw unsupported(`of kind P${kind}`);
  const channels = kind === '5' ? 1 : 3;
  const { width, height, most, start } = readHeader(bytes);
  if (most !== 255) throw unsupported(`of values from 0 to ${most}`);
  const end = start + width * height * channels;
  if (bytes.length < end) throw new Error('it is cut short');
  return { data: new Uint8Array(bytes.subarray(start, end)), shape: [height, width, channels] };
}

function unsupported(what: string): DatasetError {
  return new DatasetError(
    'DATASETS_UNSUPPORTED_IMAGE',
    `This is a PNM file ${what}, where P5 and P6 of values from 0 to 255 are read; convert it to PNG.`,
  );
}

/** Three numbers after the two letters, between white space and comments; one white space before the pixels. */
function readHeader(bytes: Uint8Array): { width: number; height: number; most: number; start: number } {
  const text = String.fromCharCode(...bytes.subarray(0, 4096));
  const space = '(?:\\s|#[^\\n]*\\n)+';
  const found = new RegExp(`^P[56]${space}(\\d+)${space}(\\d+)${space}(\\d+)\\s`).exec(text);
  if (found === null) throw new Error('its header is damaged');
  const [width, height, most] = found.slice(1).map(Number) as [number, number, number];
  if (width < 1 || height < 1) throw new Error('it has no pixels');
  return { width, height, most, start: found[0].length };
}
