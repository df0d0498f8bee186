import { readFile, writeFile } from 'node:fs/promises';
import { decodeImage } from '@missing-u/datasets';
import { DenoisersError } from '../errors.ts';
import type { RasterImage } from '../raster.ts';

/** Reads a picture of any format that `@missing-u/datasets` decodes, as values of 0 to 1; grey ones have one channel unless told. */
export async function readPicture(path: string, channels?: number): Promise<RasterImage> {
  const file = await readFile(path).catch((error: unknown) => {
    const why = `The picture ${path} cannot be read (${(error as NodeJS.ErrnoException).code}); check its name.`;
    throw new DenoisersError('DENOISERS_BAD_IMAGE', why, { cause: error });
  });
  const { data, shape } = await decodeImage(file, path, 3);
  const [height, width] = shape;
  const values = Float32Array.from(data, (byte) => byte / 255);
  const grey = channels === undefined ? values.every((value, i) => value === values[i - (i % 3)]) : channels === 1;
  if (!grey) return { data: values, width, height, channels: 3 };
  return { data: luma(values), width, height, channels: 1 };
}

/** RGB as grey, by the weights of ITU-R BT.601, as Pillow's `convert('L')`; grey in three channels stays as it is. */
function luma(rgb: Float32Array): Float32Array {
  return Float32Array.from({ length: rgb.length / 3 }, (_, i) => {
    const [red, green, blue] = [rgb[3 * i]!, rgb[3 * i + 1]!, rgb[3 * i + 2]!];
    return red === green && green === blue ? red : 0.299 * red + 0.587 * green + 0.114 * blue;
  });
}

/** Writes a picture of 0 to 1 as a PNG of 8 bits, grey or RGB as it is, values beyond it clipped. */
export async function writePicture(path: string, { data, width, height, channels }: RasterImage): Promise<void> {
  const bytes = Uint8ClampedArray.from(data, (value) => 255 * value);
  const { default: sharp } = await import('sharp');
  const raw = { width, height, channels: channels as 1 | 3 };
  const image = sharp(bytes, { raw });
  await writeFile(path, await (channels === 1 ? image.toColourspace('b-w') : image).png().toBuffer());
}

/** Two pictures of one size side by side. */
export function sideBySide(left: RasterImage, right: RasterImage): RasterImage {
  const { width, height, channels } = left;
  const row = width * channels;
  const data = new Float32Array(2 * left.data.length);
  for (let y = 0; y < height; y++) {
    data.set(left.data.subarray(y * row, (y + 1) * row), 2 * y * row);
    data.set(right.data.subarray(y * row, (y + 1) * row), (2 * y + 1) * row);
  }
  return { width: 2 * width, height, channels, data };
}
