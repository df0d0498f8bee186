import type { Image } from '../image.ts';

/** Channels that pictures are decoded to: grey or RGB. */
export type Channels = 1 | 3;

/** Red, green and blue to grey, exactly as Pillow's `convert('L')`: ITU-R 601-2 luma in fixed point. */
export function toGrey({ data, shape: [height, width] }: Image): Image {
  const out = new Uint8Array(height * width);
  for (let i = 0, o = 0; o < out.length; i += 3, o++) {
    out[o] = (data[i]! * 19595 + data[i + 1]! * 38470 + data[i + 2]! * 7471 + 0x8000) >> 16;
  }
  return { data: out, shape: [height, width, 1] };
}

/** One, two or four channels to three: grey is repeated, opacity left out (as Pillow's `convert('RGB')`). */
export function toRgb({ data, shape: [height, width, channels] }: Image): Image {
  if (channels === 3) return { data, shape: [height, width, 3] };
  const out = new Uint8Array(height * width * 3);
  const [green, blue] = channels >= 3 ? [1, 2] : [0, 0];
  for (let i = 0, o = 0; o < out.length; i += channels, o += 3) {
    out[o] = data[i]!;
    out[o + 1] = data[i + green]!;
    out[o + 2] = data[i + blue]!;
  }
  return { data: out, shape: [height, width, 3] };
}
