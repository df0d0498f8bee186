import { refuse } from '../errors.ts';
import { roundHalfEven } from '../schedules/numeric.ts';

/**
 * Which timesteps of a chain of `total` to keep, rising. A number or list of numbers divides the chain into that many equal
 * sections and keeps so many of each; `'ddimN'` keeps N at a whole stride, as DDIM does (Nichol and Dhariwal 2021, section 4).
 */
export function spaceTimesteps(total: number, sections: number | readonly number[] | `ddim${number}`): number[] {
  if (typeof sections === 'string') {
    const wanted = Number(sections.slice('ddim'.length));
    for (let stride = 1; stride < total; stride++) {
      if (Math.ceil(total / stride) === wanted) return Array.from({ length: wanted }, (_, i) => i * stride);
    }
    const allowed = `'ddimN' with an N that a whole stride through ${total} timesteps gives`;
    return refuse({ argument: 'sections', value: sections, allowed });
  }
  const counts = typeof sections === 'number' ? [sections] : sections;
  const kept: number[] = [];
  let start = 0;
  counts.forEach((count, i) => {
    const size = Math.floor(total / counts.length) + (i < total % counts.length ? 1 : 0);
    if (!(Number.isInteger(count) && count >= 1 && count <= size)) {
      refuse({ argument: 'sections', value: count, allowed: `an integer from 1 to ${size}, the size of its section` });
    }
    const stride = count === 1 ? 1 : (size - 1) / (count - 1);
    for (let k = 0; k < count; k++) kept.push(start + roundHalfEven(k * stride));
    start += size;
  });
  return [...new Set(kept)];
}

/** The β of the chain that visits only the kept timesteps, with ᾱ unchanged there. */
export function respacedBetas(alphasCumprod: Float64Array, kept: readonly number[]): Float64Array {
  return Float64Array.from(kept, (t, i) => 1 - alphasCumprod[t]! / (i === 0 ? 1 : alphasCumprod[kept[i - 1]!]!));
}
