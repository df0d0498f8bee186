import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  applyTransform,
  centerCrop,
  crop,
  dequantize,
  flip,
  normalize,
  pad,
  randomCrop,
  randomFlip,
  resize,
  type Image,
  type ImageShape,
  type Transform,
} from '../src/index.ts';
import { transformImage } from '../src/step.ts';

interface Case {
  call: Transform & { tolerance?: number };
  shape: ImageShape;
  image: number[];
  outShape: ImageShape;
  out: number[];
}

/** Made by tools/reference/datasets/transforms.py with Pillow 13 and torchvision. */
const cases = JSON.parse(readFileSync(new URL('fixtures/transforms.json', import.meta.url), 'utf8')) as Case[];

const image = (height: number, width: number, channels = 1): Image => ({
  data: Uint8Array.from({ length: height * width * channels }, (_, i) => i % 256),
  shape: [height, width, channels],
});

describe('transforms that are named after torchvision or Pillow', () => {
  it.each(cases.map((entry) => [JSON.stringify(entry.call), entry] as const))('%s is theirs', (_, entry) => {
    const { tolerance = 0, ...step } = entry.call;
    const result = applyTransform(step, { data: Uint8Array.from(entry.image), shape: entry.shape });
    expect(result.shape).toEqual(entry.outShape);
    if (tolerance === 0) expect([...result.data]).toEqual(entry.out);
    else expect(result.data).toBeAllClose(entry.out, { atol: tolerance, rtol: 0 });
  });
});

describe('resize', () => {
  it('works on floats, close to the bytes', () => {
    const bytes = { data: Uint8Array.from({ length: 300 }, (_, i) => (i * 37) % 256), shape: [10, 10, 3] } as const;
    const step = resize([4, 6], { filter: 'bicubic' });
    const floats = applyTransform(step, { data: Float32Array.from(bytes.data), shape: bytes.shape });
    const rounded = applyTransform(step, bytes);
    expect(Float32Array.from(floats.data, (x) => Math.min(255, Math.max(0, x)))).toBeAllClose(rounded.data, {
      atol: 1.01,
    });
  });
});

it('resizes and crops in one go to the same bytes, whichever pass is first', () => {
  for (const [height, width, size] of [
    [40, 12, [10, 8]],
    [12, 40, [8, 10]],
    [41, 13, 9],
  ] as const) {
    const picture = image(height, width, 3);
    const steps = [resize(size, { filter: 'bicubic' }), centerCrop(7)];
    const apart = steps.reduce((current, step) => applyTransform(step, current), picture);
    expect(transformImage(steps, picture, 0, 0)).toEqual(apart);
  }
});

describe('random transforms', () => {
  const occasion = { epoch: 3, index: 17 };

  it('are the same for a seed, an epoch and a position, and differ otherwise', () => {
    for (const step of [randomCrop(5, { seed: 1, padding: 2 }), dequantize({ seed: 1 })]) {
      const [first, again, other] = [occasion, occasion, { ...occasion, epoch: 4 }].map((when) =>
        [...applyTransform(step, image(16, 16), when).data].join(),
      );
      expect(first).toBe(again);
      expect(first).not.toBe(other);
    }
    const flips = Array.from(
      { length: 400 },
      (_, index) => applyTransform(randomFlip({ seed: 0 }), image(1, 2), { epoch: 0, index }).data[0],
    );
    const mirrored = flips.filter((value) => value === 1).length;
    expect(mirrored).toBeGreaterThan(160);
    expect(mirrored).toBeLessThan(240);
  });

  it('crop inside the padded picture, every place alike', () => {
    const places = new Set<number>();
    for (let index = 0; index < 200; index++) {
      const { data, shape } = applyTransform(randomCrop(2, { seed: 0 }), image(4, 4), { epoch: 0, index });
      expect(shape).toEqual([2, 2, 1]);
      expect([data[1]! - data[0]!, data[2]! - data[0]!]).toEqual([1, 4]);
      places.add(data[0]!);
    }
    expect([...places].sort((a, b) => a - b)).toEqual([0, 1, 2, 4, 5, 6, 8, 9, 10]);
  });

  it('spread bytes without leaving their steps', () => {
    const { data } = applyTransform(dequantize({ seed: 2, range: [0, 256] }), image(16, 16), occasion);
    expect(data.every((value, i) => value >= i && value <= i + 1)).toBe(true);
    const gaussian = applyTransform(dequantize({ seed: 2, kind: 'gaussian', range: [0, 1] }), image(16, 16), occasion);
    const noise = Array.from(gaussian.data, (value, i) => value - i / 255);
    const std = Math.sqrt(noise.reduce((sum, x) => sum + x * x, 0) / noise.length);
    expect(std).toBeGreaterThan(0.0085);
    expect(std).toBeLessThan(0.0115);
  });
});

describe('bad arguments', () => {
  it.each([
    () => resize(0),
    () => resize([1, 2.5]),
    () => resize(4, { filter: 'linear' as 'box' }),
    () => centerCrop(-1),
    () => crop({ top: -1, left: 0, height: 1, width: 1 }),
    () => pad(-2),
    () => flip('diagonal' as 'vertical'),
    () => randomFlip({} as { seed: number }),
    () => randomFlip({ seed: 0, probability: 2 }),
    () => randomCrop(4, { seed: 0.5 }),
    () => normalize({ mean: [], std: 1 }),
    () => normalize({ mean: 0, std: 0 }),
    () => pad(1, { value: NaN }),
    () => dequantize({ seed: 0, range: 'x' as never }),
    () => dequantize({ seed: 0, range: [0, Infinity] }),
    () => dequantize({ seed: 0, kind: 'laplace' as 'uniform' }),
    () => applyTransform(normalize({ mean: [0, 0], std: 1 }), image(1, 1, 3)),
  ])('%s is refused', (call) => {
    expect(call).toThrow(expect.objectContaining({ code: 'DATASETS_BAD_TRANSFORM' }) as Error);
  });

  it('refuses a crop that does not fit', () => {
    const call = () => applyTransform(randomCrop(5, { seed: 0 }), image(4, 9), { epoch: 0, index: 0 });
    expect(call).toThrow('does not fit into a picture of 4x9');
  });
});
