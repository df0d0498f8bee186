import type { Image } from '../image.ts';
import {
  applyCenterCrop,
  applyCrop,
  applyRandomCrop,
  centre,
  type CenterCrop,
  type Crop,
  type RandomCrop,
} from './crop.ts';
import { applyDequantize, type Dequantize } from './dequantize.ts';
import { applyFlip, applyRandomFlip, type Flip, type RandomFlip } from './flip.ts';
import { applyNormalize, type Normalize } from './normalize.ts';
import type { Occasion } from './occasion.ts';
import { applyPad, type Pad } from './pad.ts';
import { applyResize, resizedShape, resizeWindow, type Resize } from './resize.ts';

export { centerCrop, crop, randomCrop, type CenterCrop, type Crop, type RandomCrop } from './crop.ts';
export { dequantize, type Dequantize } from './dequantize.ts';
export { flip, randomFlip, type Axis, type Flip, type RandomFlip } from './flip.ts';
export { normalize, type Normalize } from './normalize.ts';
export { pad, type Pad, type Sides } from './pad.ts';
export { resize, type Resize } from './resize.ts';
export type { Size } from './check.ts';
export type { Filter } from './coefficients.ts';
export type { Occasion } from './occasion.ts';

/** A built-in transform: plain data, so that it can be written down, compared and sent to a worker. */
export type Transform = CenterCrop | Crop | Dequantize | Flip | Normalize | Pad | RandomCrop | RandomFlip | Resize;

type Apply<Step> = (step: Step, image: Image, occasion: Occasion) => Image;

const APPLY: { readonly [Name in Transform['transform']]: Apply<Extract<Transform, { transform: Name }>> } = {
  centerCrop: applyCenterCrop,
  crop: applyCrop,
  dequantize: applyDequantize,
  flip: applyFlip,
  normalize: applyNormalize,
  pad: applyPad,
  randomCrop: applyRandomCrop,
  randomFlip: applyRandomFlip,
  resize: applyResize,
};

/** Whether something, read from a file perhaps, names a built-in transform. */
export function isTransform(value: unknown): value is Transform {
  if (typeof value !== 'object' || value === null || !('transform' in value)) return false;
  return typeof value.transform === 'string' && Object.hasOwn(APPLY, value.transform);
}

/** Applies a built-in transform to one picture; the picture that came in is not changed. */
export function applyTransform(step: Transform, image: Image, occasion: Occasion = { epoch: 0, index: 0 }): Image {
  return (APPLY[step.transform] as Apply<Transform>)(step, image, occasion);
}

/**
 * A resize and the centre crop after it in one go, which saves the pixels between the two and changes nothing else; undefined
 * where the steps are others, or the crop is larger than the picture.
 */
export function resizeAndCrop(step: Transform, next: Transform | undefined, image: Image): Image | undefined {
  if (step.transform !== 'resize' || next?.transform !== 'centerCrop') return undefined;
  const [tall, wide] = resizedShape(step, image);
  if (next.height > tall || next.width > wide) return undefined;
  return resizeWindow(step, image, centre(tall, wide, next.height, next.width));
}
