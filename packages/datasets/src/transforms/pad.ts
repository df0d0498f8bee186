import { emptyLike, type Image } from '../image.ts';
import { refused } from './check.ts';

/** See {@link pad}. */
export interface Pad {
  readonly transform: 'pad';
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  readonly left: number;
  readonly value: number;
}

/** Pixels to add on each side; a number is for all four. */
export type Sides = number | Partial<Record<'top' | 'right' | 'bottom' | 'left', number>>;

/**
 * Adds a border: `pad(2)` makes the 32x32 digits of the papers out of 28x28. As torchvision's `Pad` in constant mode.
 *
 * @param value of the border, in the numbers of the image (0 .. 255 for bytes); 0 if left out
 * @throws DatasetError `DATASETS_BAD_TRANSFORM`
 */
export function pad(sides: Sides, { value = 0 }: { value?: number } = {}): Pad {
  const all = typeof sides === 'number' ? { top: sides, right: sides, bottom: sides, left: sides } : sides;
  const { top = 0, right = 0, bottom = 0, left = 0 } = all;
  if (![top, right, bottom, left].every((side) => Number.isInteger(side) && side >= 0)) {
    throw refused('sides', sides, 'an integer of 0 or more, or such integers for top, right, bottom and left');
  }
  if (!Number.isFinite(value)) throw refused('value', value, 'a finite number');
  return border({ top, right, bottom, left }, value);
}

/** A pad whose numbers are known to be good. */
export function border(sides: Record<'top' | 'right' | 'bottom' | 'left', number>, value = 0): Pad {
  return { transform: 'pad', ...sides, value };
}

export function applyPad(step: Pad, { data, shape: [height, width, channels] }: Image): Image {
  const [tall, wide] = [step.top + height + step.bottom, step.left + width + step.right];
  const out = emptyLike(data, tall * wide * channels);
  if (step.value !== 0) out.fill(step.value);
  const row = width * channels;
  for (let y = 0; y < height; y++) {
    out.set(data.subarray(y * row, (y + 1) * row), ((step.top + y) * wide + step.left) * channels);
  }
  return { data: out, shape: [tall, wide, channels] };
}
