import { centerCrop, resize, type Filter, type Size, type Transform } from '../transforms/index.ts';

/** How pictures of any size become pictures of one size. */
export interface FitOptions {
  /**
   * A number: the short side is resized to it and the middle is cut out, a square. `[height, width]`: resized to just that,
   * whatever the proportions. Left out: pictures stay as they are.
   */
  size?: Size;
  /** Filter of the resizing, as Pillow's; `bilinear` if left out. */
  filter?: Filter;
}

export function fit({ size, filter = 'bilinear' }: FitOptions): Transform[] {
  if (size === undefined) return [];
  return typeof size === 'number' ? [resize(size, { filter }), centerCrop(size)] : [resize(size, { filter })];
}
