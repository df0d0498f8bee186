import * as tf from '@tensorflow/tfjs-core';
import { invalidArgument } from '@missing-u/errors';
import { DenoisersError } from './errors.ts';
import type { ImageDenoiser } from './face.ts';

export interface TileOptions {
  /** Most pixels along the side of a tile, without what it overlaps; default 768. */
  size?: number;
  /** Pixels beyond its edges that a tile sees; default 64, more than a DnCNN or the auto-encoder look around. */
  overlap?: number;
  /** Heights and widths that the denoiser takes are multiples of this; others are filled up by reflection. Default 1. */
  multiple?: number;
}

/**
 * Makes a denoiser take images of any size: one tile after the other, so that memory stays bounded. The tiles overlap, and
 * of each only what is its own is kept: for a network that sees no further than the overlap there are no seams.
 *
 * @throws DenoisersError `DENOISERS_BAD_OPTION` for sizes that are not whole numbers
 */
export function tiledDenoiser(denoiser: ImageDenoiser, options: TileOptions = {}): ImageDenoiser {
  const { size = 768, overlap = 64, multiple = 1 } = options;
  for (const [argument, value, least] of [
    ['size', size, 1],
    ['overlap', overlap, 0],
    ['multiple', multiple, 1],
  ] as const) {
    if (Number.isInteger(value) && value >= least) continue;
    const allowed = `an integer of ${least} or more`;
    throw new DenoisersError('DENOISERS_BAD_OPTION', invalidArgument({ argument, value, allowed }));
  }
  return {
    async denoise(images, noise) {
      const [count, height, width, channels] = images.shape;
      const data = new Float32Array(images.size);
      const columns = spansOf(width, { size, overlap, multiple });
      for (const row of spansOf(height, { size, overlap, multiple })) {
        for (const column of columns) {
          const tile = tf.tidy(() => tf.gather(tf.gather(images, row.pixels, 1), column.pixels, 2));
          let result: tf.Tensor4D | undefined;
          try {
            result = await denoiser.denoise(tile, noise);
            const own = [row.end - row.start, column.end - column.start] as const;
            const part = tf.slice(result, [0, row.start - row.from, column.start - column.from, 0], [-1, ...own, -1]);
            const values = await part.data();
            part.dispose();
            for (let n = 0, from = 0; n < count; n++) {
              for (let y = row.start; y < row.end; y++, from += own[1] * channels) {
                const line = values.subarray(from, from + own[1] * channels) as Float32Array;
                data.set(line, ((n * height + y) * width + column.start) * channels);
              }
            }
          } finally {
            tile.dispose();
            result?.dispose();
          }
        }
      }
      return tf.tensor4d(data, images.shape);
    },
  };
}

/** A tile along one axis: what is its own, and the pixels that it sees. */
interface Span {
  readonly start: number;
  readonly end: number;
  readonly from: number;
  readonly pixels: number[];
}

/** Tiles of nearly equal length. They begin at multiples, as a network with strides would lay its grid over the whole. */
function spansOf(length: number, { size, overlap, multiple }: Required<TileOptions>): Span[] {
  const count = Math.ceil(length / size);
  return Array.from({ length: count }, (_, i) => {
    const start = Math.round((i * length) / count);
    const end = Math.round(((i + 1) * length) / count);
    const from = Math.floor(Math.max(0, start - overlap) / multiple) * multiple;
    const seen = Math.ceil((Math.min(length, end + overlap) - from) / multiple) * multiple;
    const pixels = Array.from({ length: seen }, (_, k) => reflected(from + k, length));
    return { start, end, from, pixels };
  });
}

/** The pixel that stands for one beyond the last. */
function reflected(pixel: number, length: number): number {
  const at = pixel % (2 * length);
  return at < length ? at : 2 * length - 1 - at;
}
