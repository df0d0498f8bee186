import { DatasetError } from '../errors.ts';
import { emptyLike, type Image } from '../image.ts';
import { checkSeed, heightAndWidth, isPositive, refused, type Size } from './check.ts';
import { generatorFor, type Occasion } from './occasion.ts';
import { applyPad, border } from './pad.ts';

/** See {@link crop}. */
export interface Crop {
  readonly transform: 'crop';
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/**
 * Cuts out a box, which has to lie inside the picture.
 *
 * @throws DatasetError `DATASETS_BAD_TRANSFORM`; `DATASETS_CROP_OUTSIDE` when a picture is too small
 */
export function crop(box: { top: number; left: number; height: number; width: number }): Crop {
  const { top, left, height, width } = box;
  const corner = [top, left].every((value) => Number.isInteger(value) && value >= 0);
  if (!corner || !isPositive(height) || !isPositive(width)) {
    throw refused('box', box, 'integers top and left of 0 or more, height and width of 1 or more');
  }
  return { transform: 'crop', top, left, height, width };
}

export function applyCrop({ top, left, height, width }: Crop, { data, shape }: Image): Image {
  const [tall, wide, channels] = shape;
  if (top + height > tall || left + width > wide) {
    throw new DatasetError(
      'DATASETS_CROP_OUTSIDE',
      `A crop of ${height}x${width} pixels at row ${top}, column ${left} does not fit into a picture of ${tall}x${wide}.`,
    );
  }
  const row = width * channels;
  const out = emptyLike(data, height * row);
  for (let y = 0; y < height; y++) {
    const start = ((top + y) * wide + left) * channels;
    out.set(data.subarray(start, start + row), y * row);
  }
  return { data: out, shape: [height, width, channels] };
}

/** See {@link centerCrop}. */
export interface CenterCrop {
  readonly transform: 'centerCrop';
  readonly height: number;
  readonly width: number;
}

/** Cuts out the middle; a picture that is too small gets a black border first. As torchvision's `CenterCrop`. */
export function centerCrop(size: Size): CenterCrop {
  const [height, width] = heightAndWidth('size', size);
  return { transform: 'centerCrop', height, width };
}

export function applyCenterCrop({ height, width }: CenterCrop, image: Image): Image {
  const wide = Math.max(0, width - image.shape[1]);
  const tall = Math.max(0, height - image.shape[0]);
  const sides = { left: wide >> 1, right: (wide + 1) >> 1, top: tall >> 1, bottom: (tall + 1) >> 1 };
  const padded = wide + tall === 0 ? image : applyPad(border(sides), image);
  return applyCrop({ transform: 'crop', ...centre(padded.shape[0], padded.shape[1], height, width) }, padded);
}

/** The box of height x width in the middle of a picture of tall x wide. */
export function centre(tall: number, wide: number, height: number, width: number): Omit<Crop, 'transform'> {
  return { top: roundHalfEven((tall - height) / 2), left: roundHalfEven((wide - width) / 2), height, width };
}

/** Python's `round`, which torchvision uses. */
function roundHalfEven(value: number): number {
  const down = Math.floor(value);
  return value - down === 0.5 ? down + (down % 2) : Math.round(value);
}

/** See {@link randomCrop}. */
export interface RandomCrop {
  readonly transform: 'randomCrop';
  readonly height: number;
  readonly width: number;
  readonly padding: number;
  readonly seed: number;
}

/**
 * Cuts out a box at a random place, another one in each epoch, after adding a black border of `padding` pixels.
 *
 * @throws DatasetError `DATASETS_BAD_TRANSFORM`; `DATASETS_CROP_OUTSIDE` when a picture is too small
 */
export function randomCrop(size: Size, { padding = 0, seed }: { padding?: number; seed: number }): RandomCrop {
  const [height, width] = heightAndWidth('size', size);
  checkSeed(seed);
  if (padding !== 0 && !isPositive(padding)) throw refused('padding', padding, 'an integer of 0 or more');
  return { transform: 'randomCrop', height, width, padding, seed };
}

export function applyRandomCrop({ height, width, padding, seed }: RandomCrop, image: Image, occasion: Occasion): Image {
  const sides = { top: padding, right: padding, bottom: padding, left: padding };
  const padded = padding === 0 ? image : applyPad(border(sides), image);
  const generator = generatorFor(seed, occasion);
  const top = generator.integer(Math.max(1, padded.shape[0] - height + 1));
  const left = generator.integer(Math.max(1, padded.shape[1] - width + 1));
  return applyCrop({ transform: 'crop', top, left, height, width }, padded);
}
