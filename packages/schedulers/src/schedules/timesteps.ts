import { linspace, roundHalfEven } from './numeric.ts';

export const TIMESTEP_SPACINGS = ['leading', 'linspace', 'trailing'] as const;
export type TimestepSpacing = (typeof TIMESTEP_SPACINGS)[number];

/** What fixes which of the trained timesteps are visited. */
export interface SpacingOptions {
  numTrainTimesteps: number;
  timestepSpacing: TimestepSpacing;
  /** Added to every timestep under `leading` spacing. */
  stepsOffset: number;
}

/**
 * `count` of the timesteps 0 .. T - 1 from noisy to clean (Lin et al. 2023, table 2), equal to diffusers' lists where these
 * stay within the chain. `overflow` asks for diffusers' lists as they are: those whose first timestep `stepsOffset` pushes
 * beyond T - 1 (otherwise the offset is cut), and `trailing` ones of many counts, which end with one more timestep, -1.
 */
export function spacedTimesteps(count: number, options: SpacingOptions, overflow = false): Float64Array {
  const { numTrainTimesteps: total, timestepSpacing, stepsOffset } = options;
  switch (timestepSpacing) {
    case 'linspace':
      return linspace(0, total - 1, count)
        .map(roundHalfEven)
        .reverse();
    case 'leading': {
      const ratio = Math.floor(total / count);
      const first = (count - 1) * ratio;
      const offset = overflow ? stepsOffset : Math.min(stepsOffset, total - 1 - first);
      return Float64Array.from({ length: count }, (_, i) => first - i * ratio + offset);
    }
    case 'trailing':
      return trailingTimesteps(total, total / count, overflow);
  }
}

/**
 * `numpy.arange(last, 0, -ratio)` rounded, less one. NumPy takes the difference of the first two numbers for its step, which
 * differs from the ratio in the last digit, and that can decide a rounding. It stops short of 0 only up to a rounding error of
 * the quotient: the number too many, which becomes -1, is left out unless `overflow` asks for it.
 */
export function trailingTimesteps(last: number, ratio: number, overflow = false): Float64Array {
  const step = last - ratio - last;
  const list = Float64Array.from({ length: Math.ceil(last / ratio) }, (_, i) => roundHalfEven(last + i * step) - 1);
  return overflow ? list : list.filter((t) => t >= 0);
}

/** As `spacedTimesteps`, but `linspace` keeps its fractions: schedulers that interpolate between timesteps use these. */
export function fractionalTimesteps(count: number, options: SpacingOptions, overflow = false): Float64Array {
  if (options.timestepSpacing !== 'linspace') return spacedTimesteps(count, options, overflow);
  return linspace(0, options.numTrainTimesteps - 1, count).reverse();
}
