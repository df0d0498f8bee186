import { DatasetError } from '../errors.ts';
import type { Image } from '../image.ts';
import { inNode } from '../platform.ts';
import { decodeWithCanvas } from './canvas.ts';
import { toGrey, toRgb, type Channels } from './channels.ts';
import { decodeJpeg } from './jpeg.ts';
import { decodeWithSharp } from './sharp.ts';
import { sniff } from './sniff.ts';

/**
 * Decodes a picture to bytes, NHWC without the N. The format is read from the bytes themselves.
 *
 * @param name what to call the picture in messages
 * @throws DatasetError `DATASETS_CORRUPT_IMAGE`, `DATASETS_NEEDS_SHARP`
 */
export async function decodeImage(bytes: Uint8Array, name: string, channels: Channels = 3): Promise<Image> {
  const format = sniff(bytes);
  if (bytes.length === 0) throw corrupt(name, 'it is empty');
  if (format === 'html') throw corrupt(name, 'it is a web page, perhaps about a quota that was used up');
  try {
    const image = toRgb(await decodeAny(bytes, format === 'jpeg'));
    return channels === 1 ? toGrey(image) : image;
  } catch (error) {
    if (error instanceof DatasetError) throw error;
    throw corrupt(name, (error as Error).message, error);
  }
}

async function decodeAny(bytes: Uint8Array, jpeg: boolean): Promise<Image> {
  if (!inNode) return decodeWithCanvas(bytes);
  if (!jpeg) return decodeWithSharp(bytes);
  try {
    return await decodeJpeg(bytes);
  } catch (first) {
    // Four-channel and other rare JPEGs are sharp's business; where it fails too, or is not there, the first word counts.
    return decodeWithSharp(bytes).catch((error: unknown) => {
      throw error instanceof DatasetError ? first : error;
    });
  }
}

function corrupt(name: string, reason: string, cause?: unknown): DatasetError {
  return new DatasetError('DATASETS_CORRUPT_IMAGE', `${name} cannot be decoded: ${reason}.`, { cause });
}
