import sharp from 'sharp';
import { imageGrid } from '../images/grid.ts';

/**
 * Images as one grid, twice as large, since those of small networks are.
 *
 * @param images [count, height, width, channels] in C order, values in [0, 1]
 * @param columns images in a row; the default makes the grid as square as possible
 */
export async function gridPng(
  images: { data: ArrayLike<number>; shape: readonly number[] },
  columns?: number,
): Promise<Buffer> {
  const { data, width, height, channels } = imageGrid(images, columns === undefined ? {} : { columns });
  const raw = { width, height, channels: channels as 1 | 3 };
  return sharp(data, { raw })
    .resize({ width: 2 * width, kernel: 'nearest' })
    .png()
    .toBuffer();
}
