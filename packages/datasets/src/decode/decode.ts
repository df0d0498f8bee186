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
export function decodeImage(bytes: Uint8Array, name: string, channels: Channels = 3): Promise<Image> {
  return decode(bytes, name, channels, false);
}

/**
 * As `decodeImage`, but the pixels are good only until the next call: for those who decode one picture after the other, and
 * make something else of each at once.
 */
export function borrowImage(bytes: Uint8Array, name: string, channels: Channels): Promise<Image> {
  return decode(bytes, name, channels, true);
}

async function decode(bytes: Uint8Array, name: string, channels: Channels, borrow: boolean): Promise<Image> {
  const format = sniff(bytes);
  if (bytes.length === 0) throw corrupt(name, 'it is empty');
  if (format === 'html') throw corrupt(name, 'it is a web page, perhaps about a quota that was used up');
  try {
    const image = toRgb(format === 'jpeg' ? await decodeAnyJpeg(bytes, borrow) : await decodeOther(bytes));
    return channels === 1 ? toGrey(image) : image;
  } catch (error) {
    if (error instanceof DatasetError) throw error;
    throw corrupt(name, (error as Error).message, error);
  }
}

function decodeOther(bytes: Uint8Array): Promise<Image> {
  return inNode ? decodeWithSharp(bytes) : decodeWithCanvas(bytes);
}

async function decodeAnyJpeg(bytes: Uint8Array, borrow: boolean): Promise<Image> {
  if (!inNode) return decodeWithCanvas(bytes);
  try {
    return await decodeJpeg(bytes, borrow);
  } catch (first) {
    // Four-channel and other rare JPEGs are sharp's business; where it is not there, the first word counts.
    return decodeWithSharp(bytes).catch((error: unknown) => {
      throw error instanceof DatasetError ? first : error;
    });
  }
}

function corrupt(name: string, reason: string, cause?: unknown): DatasetError {
  return new DatasetError('DATASETS_CORRUPT_IMAGE', `${name} cannot be decoded: ${reason}.`, { cause });
}
