import { invalidArgument } from '@missing-u/errors';
import { DenoisersError } from '../errors.ts';
import type { Planes } from './planes.ts';

/** Daubechies' wavelet with two vanishing moments, high-pass: blind to linear gradients. */
const highPass = (() => {
  const r = Math.sqrt(3);
  const scale = 4 * Math.SQRT2;
  return [(1 - r) / scale, -(3 - r) / scale, (3 + r) / scale, -(1 + r) / scale] as const;
})();

/** The median of |x| for a standard normal x. */
const NORMAL_MEDIAN = 0.6744897501960817;

/**
 * Standard deviation of white Gaussian noise in a plane, from the median of its finest diagonal wavelet details, in which
 * pictures have little (D. Donoho, I. Johnstone, "Ideal spatial adaptation by wavelet shrinkage", Biometrika 81, 1994).
 */
export function estimateSigma(plane: Float32Array, { width, height }: Pick<Planes, 'width' | 'height'>): number {
  if (Math.min(width, height) < highPass.length) {
    const allowed = 'at least 4x4 to estimate the noise of';
    const bad = { argument: 'image', value: `${width}x${height} pixels`, allowed, remedy: 'give sigma' };
    throw new DenoisersError('DENOISERS_IMAGE_TOO_SMALL', invalidArgument(bad));
  }
  const [a, b, c, d] = highPass;
  const details: number[] = [];
  for (let y = 0; y + 4 <= height; y += 2) {
    for (let x = 0; x + 4 <= width; x += 2) {
      let detail = 0;
      for (let i = 0; i < 4; i++) {
        const at = (y + i) * width + x;
        detail += highPass[i]! * (a * plane[at]! + b * plane[at + 1]! + c * plane[at + 2]! + d * plane[at + 3]!);
      }
      details.push(Math.abs(detail));
    }
  }
  const sorted = Float64Array.from(details).sort();
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return median / NORMAL_MEDIAN;
}
