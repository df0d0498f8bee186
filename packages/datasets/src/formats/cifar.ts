import { DatasetError } from '../errors.ts';

/** Pictures 32x32x3 row by row, channels last, and their labels. */
export interface CifarPart {
  readonly images: Uint8Array;
  readonly labels: Int32Array;
}

const SIDE = 32;
const PLANE = SIDE * SIDE;

/** Bytes of one picture. */
export const CIFAR_BYTES = 3 * PLANE;

/**
 * Reads a file of the binary version: per picture one label (CIFAR-10) or a coarse and a fine label (CIFAR-100, of which
 * the last counts), then the red, the green and the blue plane.
 *
 * @throws DatasetError `DATASETS_TRUNCATED`
 */
export function parseCifar(bytes: Uint8Array, labelBytes: 1 | 2, name: string): CifarPart {
  const record = labelBytes + CIFAR_BYTES;
  const count = bytes.length / record;
  if (!Number.isInteger(count) || count === 0) {
    throw new DatasetError(
      'DATASETS_TRUNCATED',
      `${name} has ${bytes.length} bytes, which is not a whole number of pictures of ${record} bytes; fetch it again.`,
    );
  }
  const labels = Int32Array.from({ length: count }, (_, i) => bytes[i * record + labelBytes - 1]!);
  const planes = new Uint8Array(count * CIFAR_BYTES);
  for (let i = 0; i < count; i++) {
    planes.set(bytes.subarray(i * record + labelBytes, (i + 1) * record), i * CIFAR_BYTES);
  }
  return { images: interleave(planes), labels };
}

/** Planes of red, green and blue to pixels. */
export function interleave(planes: Uint8Array): Uint8Array {
  const out = new Uint8Array(planes.length);
  for (let start = 0; start < planes.length; start += CIFAR_BYTES) {
    for (let i = 0; i < PLANE; i++) {
      out[start + 3 * i] = planes[start + i]!;
      out[start + 3 * i + 1] = planes[start + PLANE + i]!;
      out[start + 3 * i + 2] = planes[start + 2 * PLANE + i]!;
    }
  }
  return out;
}
