import sharp from 'sharp';
import type { ByteImage } from './grid.ts';
import { writeAtomically } from '../runs/files.ts';

/** Writes an image as PNG; a picture that is there already is replaced in one step. */
export async function writePng(path: string, { data, width, height, channels }: ByteImage): Promise<void> {
  const raw = { width, height, channels: channels as 1 | 3 };
  writeAtomically(path, await sharp(data, { raw }).png().toBuffer());
}
