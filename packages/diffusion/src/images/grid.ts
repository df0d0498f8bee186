/** An image as bytes, rows from the top, channels last: 1 (grey) or 3 (RGB). */
export interface ByteImage {
  data: Uint8Array;
  width: number;
  height: number;
  channels: number;
}

/**
 * Lays out images of one size as a grid with thin gaps, row by row.
 *
 * @param images [count, height, width, channels] in C order, values in [0, 1].
 * @param columns images in a row; the default makes the grid as square as possible.
 */
export function imageGrid(
  images: { data: ArrayLike<number>; shape: readonly number[] },
  { columns, gap = 2 }: { columns?: number; gap?: number } = {},
): ByteImage {
  const [count, height, width, channels] = images.shape as [number, number, number, number];
  const across = columns ?? Math.ceil(Math.sqrt(count));
  const down = Math.ceil(count / across);
  const grid = {
    width: across * (width + gap) + gap,
    height: down * (height + gap) + gap,
    channels,
  };
  const data = new Uint8Array(grid.width * grid.height * channels);
  for (let index = 0; index < count; index++) {
    const left = gap + (index % across) * (width + gap);
    const top = gap + Math.floor(index / across) * (height + gap);
    for (let y = 0; y < height; y++) {
      const from = (index * height + y) * width * channels;
      const to = ((top + y) * grid.width + left) * channels;
      for (let i = 0; i < width * channels; i++) data[to + i] = Math.round(255 * images.data[from + i]!);
    }
  }
  return { ...grid, data };
}
