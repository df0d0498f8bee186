import type { Image } from '../image.ts';
import { applyPad, type Pad } from './pad.ts';
import type { Occasion } from './occasion.ts';

export { pad, type Pad, type Sides } from './pad.ts';

/** A built-in transform: plain data, so that it can be written down, compared and sent to a worker. */
export type Transform = Pad;

const APPLY: {
  [Name in Transform['transform']]: (
    step: Extract<Transform, { transform: Name }>,
    image: Image,
    occasion: Occasion,
  ) => Image;
} = {
  pad: applyPad,
};

/** Applies a built-in transform to one picture; the picture that came in is not changed. */
export function applyTransform(step: Transform, image: Image, occasion: Occasion): Image {
  return APPLY[step.transform](step, image, occasion);
}
