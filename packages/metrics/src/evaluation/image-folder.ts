import { readdir } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { MetricError, refuse } from '../errors.ts';
import type { Image } from '../images/image.ts';

/** What pytorch-fid takes for pictures, of those that sharp decodes. */
const extensions = new Set(['.jpeg', '.jpg', '.png', '.tif', '.tiff', '.webp']);

/** A picture of bytes, 0 .. 255, in three channels. */
export type ByteImage = Image & { readonly data: Uint8Array };

export interface FolderOptions {
  /** Pictures in a batch (default 50); fewer where the size changes, because a batch has one. */
  readonly batchSize?: number;
  /** Fail at the first file that cannot be decoded, instead of leaving it out (default false). */
  readonly strict?: boolean;
  /** Called for each file that was left out. */
  readonly onBroken?: (file: string, reason: string) => void;
  /** Called after each batch. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** Pictures of one size. */
export interface FolderBatch {
  readonly files: readonly string[];
  readonly width: number;
  readonly height: number;
  /** RGB bytes, picture after picture. */
  readonly data: Uint8Array;
}

/**
 * The picture files of a folder (PNG, JPEG, WebP, TIFF; not of the folders in it), sorted by name.
 *
 * @throws MetricError `METRIC_NO_IMAGES`
 */
export async function imageFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw new MetricError('METRIC_NO_IMAGES', `Cannot read the folder '${folder}': ${(cause as Error).message}.`, {
      cause,
    });
  });
  const files = entries.filter((entry) => !entry.isDirectory() && extensions.has(extname(entry.name).toLowerCase()));
  if (files.length > 0) return files.map(({ name }) => join(folder, name)).sort();
  const below = entries.some((entry) => entry.isDirectory())
    ? ' The folders in it are not read: name one of them.'
    : '';
  const message = `The folder '${folder}' has no pictures (${[...extensions].join(', ')}).${below}`;
  throw new MetricError('METRIC_NO_IMAGES', message);
}

/**
 * Decodes a picture as Pillow's `convert('RGB')` does it: grey becomes three equal channels, transparency and colour
 * profiles are left aside, nothing is rotated. Two rare kinds come out otherwise: JPEG files in CMYK, whose colours sharp
 * converts by another formula (up to 128 apart), and grey PNG files of 16 bits, of which the upper 8 are taken where Pillow
 * clips at 255; convert such files before they are compared. Needs the package sharp.
 *
 * @throws MetricError `METRIC_BAD_IMAGE`, `METRIC_NEEDS_SHARP`
 */
export async function readImage(file: string): Promise<ByteImage> {
  const sharp = await loadSharp();
  try {
    const picture = sharp(file, { ignoreIcc: true, failOn: 'error' }).toColourspace('srgb').raw({ depth: 'uchar' });
    const { data, info } = await picture.toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    return { data: toRgb(data, channels), width, height, channels: 3 };
  } catch (cause) {
    throw new MetricError('METRIC_BAD_IMAGE', `'${file}' is not a sound picture: ${(cause as Error).message.trim()}.`, {
      cause,
    });
  }
}

/**
 * The pictures of a folder in batches. Files that cannot be decoded are left out and named to `onBroken`, or end the reading
 * where `strict` is set. @throws MetricError `METRIC_NO_IMAGES`, `METRIC_BAD_IMAGE`, `METRIC_NEEDS_SHARP`
 */
export async function* readFolder(folder: string, options: FolderOptions = {}): AsyncGenerator<FolderBatch> {
  const { batchSize = 50, strict = false, onBroken, onProgress, signal } = options;
  if (!Number.isSafeInteger(batchSize) || batchSize < 1) {
    refuse({ argument: 'batchSize', value: batchSize, allowed: 'an integer of 1 or more' });
  }
  const files = await imageFiles(folder);
  let done = 0;
  let pending: { file: string; image: ByteImage }[] = [];
  const batch = (): FolderBatch => {
    const { width, height } = pending[0]!.image;
    const data = new Uint8Array(pending.length * width * height * 3);
    pending.forEach(({ image }, i) => data.set(image.data, i * image.data.length));
    const names = pending.map(({ file }) => file);
    pending = [];
    return { files: names, width, height, data };
  };
  for (let from = 0; from < files.length; from += batchSize) {
    signal?.throwIfAborted();
    const part = files.slice(from, from + batchSize);
    // Decoded side by side; sharp spreads them over its threads.
    const images = await Promise.all(
      part.map((file) => readImage(file).catch((error: unknown) => error as MetricError)),
    );
    for (const [i, image] of images.entries()) {
      done++;
      if (image instanceof Error) {
        if (strict || image.code !== 'METRIC_BAD_IMAGE') throw image;
        onBroken?.(part[i]!, image.message);
        continue;
      }
      const first = pending[0]?.image;
      if (first !== undefined && (first.width !== image.width || first.height !== image.height)) yield batch();
      pending.push({ file: part[i]!, image });
      if (pending.length === batchSize) yield batch();
    }
    onProgress?.(done, files.length);
  }
  if (pending.length > 0) yield batch();
}

async function loadSharp() {
  try {
    return (await import('sharp')).default;
  } catch (cause) {
    const message =
      "Reading pictures needs the package 'sharp', which is not installed (or not for this platform): npm install sharp.";
    throw new MetricError('METRIC_NEEDS_SHARP', message, { cause });
  }
}

function toRgb(data: Uint8Array, channels: number): Uint8Array {
  if (channels === 3) return data;
  const out = new Uint8Array((data.length / channels) * 3);
  for (let i = 0; i < out.length; i++) {
    const [pixel, color] = [Math.floor(i / 3), i % 3];
    out[i] = data[pixel * channels + (channels < 3 ? 0 : color)]!;
  }
  return out;
}
