import { DatasetError } from '../errors.ts';
import type { Image } from '../image.ts';
import { inNode } from '../platform.ts';
import { decodeBmp } from './bmp.ts';
import { decodeWithCanvas } from './canvas.ts';
import { toGrey, toRgb, type Channels } from './channels.ts';
import { decodeJpeg } from './jpeg.ts';
import { decodePnm } from './pnm.ts';
import { decodeWithSharp } from './sharp.ts';
import { sniff, type Format } from './sniff.ts';
import { decodeWebp } from './webp.ts';

/**
 * Decodes a picture to bytes, NHWC without the N. The format is read from the bytes themselves.
 *
 * In Node JPEG and WebP are read by libjpeg-turbo and libwebp, BMP, PGM and PPM by code of this package, and PNG, TIFF, GIF
 * and AVIF by sharp. Pixels are those of Pillow's `convert('RGB')`, but for JPEG files in CMYK, whose colours sharp converts
 * otherwise (by up to 128), and grey PNG files of 16 bits, of which it takes the upper 8 where Pillow clips.
 *
 * @param name what to call the picture in messages
 * @throws DatasetError `DATASETS_CORRUPT_IMAGE`, `DATASETS_UNSUPPORTED_IMAGE`, `DATASETS_NEEDS_SHARP`
 */
export async function decodeImage(bytes: Uint8Array, name: string, channels: Channels = 3): Promise<Image> {
  const format = sniff(bytes);
  if (bytes.length === 0) throw corrupt(name, 'it is empty');
  if (format === 'html') throw corrupt(name, 'it is a web page, perhaps about a quota that was used up');
  try {
    const image = toRgb(await decodeAny(bytes, format));
    return channels === 1 ? toGrey(image) : image;
  } catch (error) {
    if (error instanceof DatasetError && error.code === 'DATASETS_UNSUPPORTED_IMAGE') {
      throw new DatasetError(error.code, `${name} cannot be decoded. ${error.message}`, { cause: error });
    }
    if (error instanceof DatasetError) throw error;
    throw corrupt(name, (error as Error).message, error);
  }
}

/** Formats that WebAssembly decodes on the calling thread, sooner than a trip through sharp takes. */
function ownDecoder(format: Format, bytes: Uint8Array): Promise<Image> | undefined {
  if (format === 'jpeg') return decodeJpeg(bytes);
  return format === 'webp' ? decodeWebp(bytes) : undefined;
}

async function decodeAny(bytes: Uint8Array, format: Format): Promise<Image> {
  if (format === 'bmp') return decodeBmp(bytes);
  if (format === 'pnm') return decodePnm(bytes);
  if (!inNode) return decodeWithCanvas(bytes);
  try {
    const image = await ownDecoder(format, bytes);
    if (image !== undefined) return image;
  } catch (first) {
    // Four-channel JPEGs, animations and other rarities are sharp's business; where it is not there, the first word counts.
    return decodeWithSharp(bytes).catch((error: unknown) => {
      throw error instanceof DatasetError ? first : error;
    });
  }
  return decodeWithSharp(bytes);
}

function corrupt(name: string, reason: string, cause?: unknown): DatasetError {
  return new DatasetError('DATASETS_CORRUPT_IMAGE', `${name} cannot be decoded: ${reason}.`, { cause });
}
