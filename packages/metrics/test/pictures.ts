import type { Image } from '../src/images/image.ts';

type Picture = Image & { data: Float64Array };

/** The pictures of tools/reference/metrics/pictures.py, number for number. */
export function ramp(height: number, width: number, channels: number): Picture {
  const data = new Float64Array(height * width * channels);
  for (let i = 0; i < data.length; i++) {
    const [c, x, y] = [i % channels, Math.floor(i / channels) % width, Math.floor(i / channels / width)];
    data[i] = ((7 * x + 3 * y + 11 * c) % 32) / 31;
  }
  return { data, width, height, channels };
}

/** A picture with uniform noise, clipped to [0, 1]. */
export function noisy(image: Picture, amount: number, seed: number): Picture {
  const noise = lcg(seed);
  return { ...image, data: image.data.map((value) => Math.min(Math.max(value + amount * (noise() - 0.5), 0), 1)) };
}

/** Numerical Recipes' generator, its upper 24 bits as numbers in [0, 1). */
export function lcg(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(1664525, state) + 1013904223) >>> 0;
    return (state >>> 8) / 2 ** 24;
  };
}
