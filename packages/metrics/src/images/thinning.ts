import { mirrored, type Plane } from './planes.ts';

/**
 * How pictures become smaller: means over `size` x `size` windows, one every `size` pixels. Libraries differ in where the first
 * window stands and in what a side that does not divide does.
 *
 * - `symmetric`: the first window is centred on the first pixel (to the right of the centre where `size` is even), borders
 *   mirrored with the edge pixel: MATLAB's `imfilter`, thinned out, as Wang's scripts do it. TensorFlow's too for halves.
 * - `cut`: windows side by side from the corner, an incomplete last one left out: torchmetrics; piq before SSIM.
 * - `replicate`: where a side is odd, both get one more pixel in front, a copy of the first one: piq between scales.
 * - `zeros`: where a side is odd, it gets a zero in front: pytorch-msssim.
 */
export type Thinning = 'symmetric' | 'cut' | 'replicate' | 'zeros';

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Source indices of all windows along each side, one window after the other; -1 stands for a zero. */
export function windowIndices(
  { width, height }: Size,
  size: number,
  thinning: Thinning,
): { across: Int32Array; down: Int32Array } {
  const odd = (length: number) => (length % 2 === 1 ? 1 : 0);
  const indices = (length: number): Int32Array => {
    if (thinning === 'symmetric') return symmetricIndices(length, size);
    const lead = { cut: 0, replicate: Math.max(odd(width), odd(height)), zeros: odd(length) }[thinning];
    const outside = thinning === 'zeros' ? -1 : 0;
    const windows = Math.floor((length + lead) / size);
    return Int32Array.from({ length: windows * size }, (_, i) => (i < lead ? outside : i - lead));
  };
  return { across: indices(width), down: indices(height) };
}

/** A plane thinned out by `size` in both directions. */
export function thinOut(plane: Plane, size: number, thinning: Thinning): Plane {
  const { across, down } = windowIndices(plane, size, thinning);
  const [width, height] = [across.length / size, down.length / size];
  const out = new Float64Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let sum = 0;
      for (let dy = 0; dy < size; dy++) {
        const row = down[y * size + dy]!;
        for (let dx = 0; dx < size; dx++) {
          const column = across[x * size + dx]!;
          if (row >= 0 && column >= 0) sum += plane.data[row * plane.width + column]!;
        }
      }
      out[y * width + x] = sum / size ** 2;
    }
  }
  return { data: out, width, height };
}

function symmetricIndices(length: number, size: number): Int32Array {
  const before = (size - 1) >> 1;
  const index = mirrored(length, size, 'symmetric').subarray(size - before);
  return index.slice(0, Math.ceil(length / size) * size);
}
