import { sizeOf, type ImageShape } from '../image.ts';
import { transformImage } from '../step.ts';
import type { Transform } from '../transforms/index.ts';

/** Applies transforms that keep bytes once to all pictures in memory, so that batches only have to copy. */
export function transformAll(
  data: Uint8Array,
  shape: ImageShape,
  steps: readonly Transform[],
): { data: Uint8Array; shape: ImageShape } {
  if (steps.length === 0 || data.length === 0) return { data, shape };
  const size = sizeOf(shape);
  const at = (row: number) =>
    transformImage(steps, { data: data.subarray(row * size, (row + 1) * size), shape }, 0, row);
  const first = at(0);
  const count = data.length / size;
  const out = new Uint8Array(count * first.data.length);
  for (let row = 0; row < count; row++) out.set(at(row).data, row * first.data.length);
  return { data: out, shape: first.shape };
}
