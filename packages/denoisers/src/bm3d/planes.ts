import type { Area } from './tiles.ts';

/** The planes of an image: one for grey, three in the opponent space for colour. Patches are matched in the first. */
export interface Planes {
  readonly width: number;
  readonly height: number;
  readonly data: readonly Float32Array[];
}

/** The pixels that the patches of an area cover. */
export function cropPlanes({ width, data }: Planes, { top, left, rows, columns }: Area, patchSize: number): Planes {
  const [cropWidth, cropHeight] = [columns + patchSize - 1, rows + patchSize - 1];
  const crops = data.map((plane) => {
    const crop = new Float32Array(cropWidth * cropHeight);
    for (let y = 0; y < cropHeight; y++) {
      const from = (top + y) * width + left;
      crop.set(plane.subarray(from, from + cropWidth), y * cropWidth);
    }
    return crop;
  });
  return { width: cropWidth, height: cropHeight, data: crops };
}

/**
 * The opponent space of the paper (section V): luminance, in which the noise is weakest, and two differences. Each row is a
 * plane in terms of red, green and blue; the noise of a plane is that of a channel times the row's length.
 */
const opponent = [
  [1 / 3, 1 / 3, 1 / 3],
  [1 / 2, 0, -1 / 2],
  [1 / 4, -1 / 2, 1 / 4],
] as const;

const fromOpponent = [
  [1, 1, 2 / 3],
  [1, 0, -4 / 3],
  [1, -1, 2 / 3],
] as const;

/** How much stronger or weaker white noise is in each opponent plane than in a channel. */
export const opponentNoise = opponent.map((row) => Math.hypot(...row));

export function toOpponent(planes: Planes): Planes {
  return mix(planes, opponent);
}

export function toRgb(planes: Planes): Planes {
  return mix(planes, fromOpponent);
}

function mix(planes: Planes, matrix: readonly (readonly [number, number, number])[]): Planes {
  const [a, b, c] = planes.data as [Float32Array, Float32Array, Float32Array];
  return { ...planes, data: matrix.map(([fa, fb, fc]) => a.map((value, i) => fa * value + fb * b[i]! + fc * c[i]!)) };
}
