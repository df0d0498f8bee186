import type sharp from 'sharp';
import { DatasetError } from '../errors.ts';
import type { Image } from '../image.ts';
import { requirePackage } from '../platform.ts';

/**
 * Decodes PNG, WebP and whatever else sharp can read (Node). As Pillow does, and other than sharp's own habit, colour
 * profiles are not applied.
 *
 * @throws DatasetError `DATASETS_NEEDS_SHARP` where sharp is not installed
 */
export async function decodeWithSharp(bytes: Uint8Array): Promise<Image> {
  const decode = loadSharp()(bytes, { ignoreIcc: true, failOn: 'error' });
  const { data, info } = await decode
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  return {
    data: new Uint8Array(data.buffer, data.byteOffset, data.length),
    shape: [info.height, info.width, info.channels],
  };
}

function loadSharp(): typeof sharp {
  try {
    const found = requirePackage('sharp') as typeof sharp | { default: typeof sharp };
    return 'default' in found ? found.default : found;
  } catch (cause) {
    throw new DatasetError(
      'DATASETS_NEEDS_SHARP',
      "Pictures other than JPEG need the package 'sharp', which is not installed (or not for this platform): npm install sharp.",
      { cause },
    );
  }
}
