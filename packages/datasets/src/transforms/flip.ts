import type { Image } from '../image.ts';
import { checkProbability, checkSeed, refused } from './check.ts';
import { generatorFor, type Occasion } from './occasion.ts';

/** `horizontal` exchanges left and right, `vertical` top and bottom. */
export type Axis = 'horizontal' | 'vertical';

/** See {@link flip}. */
export interface Flip {
  readonly transform: 'flip';
  readonly axis: Axis;
}

/** Mirrors each picture. */
export function flip(axis: Axis = 'horizontal'): Flip {
  checkAxis(axis);
  return { transform: 'flip', axis };
}

/** See {@link randomFlip}. */
export interface RandomFlip {
  readonly transform: 'randomFlip';
  readonly axis: Axis;
  readonly probability: number;
  readonly seed: number;
}

/** Mirrors each picture with a probability of one half, or another; decided anew in each epoch. */
export function randomFlip(options: { seed: number; axis?: Axis; probability?: number }): RandomFlip {
  const { seed, axis = 'horizontal', probability = 0.5 } = options;
  checkAxis(axis);
  checkProbability(probability);
  checkSeed(seed);
  return { transform: 'randomFlip', axis, probability, seed };
}

export function applyFlip({ axis }: Flip, { data, shape }: Image): Image {
  const [height, width, channels] = shape;
  const out = data.slice();
  const row = width * channels;
  for (let y = 0; y < height; y++) {
    if (axis === 'vertical') {
      out.set(data.subarray(y * row, (y + 1) * row), (height - 1 - y) * row);
      continue;
    }
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++) {
        out[y * row + x * channels + c] = data[y * row + (width - 1 - x) * channels + c]!;
      }
    }
  }
  return { data: out, shape };
}

export function applyRandomFlip({ axis, probability, seed }: RandomFlip, image: Image, occasion: Occasion): Image {
  return generatorFor(seed, occasion).uniform() < probability ? applyFlip({ transform: 'flip', axis }, image) : image;
}

function checkAxis(axis: unknown): void {
  if (axis !== 'horizontal' && axis !== 'vertical') throw refused('axis', axis, "'horizontal' or 'vertical'");
}
