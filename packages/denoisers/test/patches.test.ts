import { createGenerator } from '@missing-u/random';
import { describe, expect, it } from 'vitest';
import { samplePatches, type RasterImage } from '../src/index.ts';

const image: RasterImage = { data: Float32Array.from({ length: 12 }, (_, i) => i), width: 4, height: 3, channels: 1 };
const colour: RasterImage = { data: new Float32Array(36), width: 4, height: 3, channels: 3 };

describe('samplePatches', () => {
  it('takes squares of the picture', () => {
    const patches = samplePatches([image], 20, 2, createGenerator(1), false);
    for (let at = 0; at < patches.length; at += 4) {
      const first = patches[at]!;
      expect([...patches.slice(at, at + 4)]).toEqual([first, first + 1, first + 4, first + 5]);
    }
  });

  const tensor = { shape: [4, 3, 1], dataSync: () => image.data };
  it.each<[string, unknown[], string, RegExp]>([
    ['patches larger than a picture', [[image], 2, 5], 'IMAGE', /one of 4x3x1.* at least 5x5/],
    ['patches higher than one of the pictures', [[colour, colour, image], 2, 3], 'IMAGE', /one of 4x3x1.* 3 channels/],
    ['no pictures', [[], 2, 2], 'IMAGE', /`images` is 'an empty list'/],
    ['a picture in no list', [image, 2, 2], 'IMAGE', /`images` is .* a list of pictures/],
    ['a tensor', [[image, tensor], 2, 2], 'IMAGE', /`images\[1\]` is a tensor of shape \[4, 3, 1\]/],
    ['a wrong shape', [[{ ...image, width: 5 }], 2, 2], 'IMAGE', /`images\[0\]` is '12 values for 5x3x1'/],
    ['no patches', [[image], 0, 2], 'OPTION', /`count` is 0/],
    ['NaN patches', [[image], NaN, 2], 'OPTION', /`count` is NaN/],
    ['a broken size', [[image], 2, 1.5], 'OPTION', /`size` is 1.5/],
    ['no generator', [[image], 2, 2, 7], 'OPTION', /`generator` is 7/],
  ])('refuses %s', (_, [images, count, size, generator = createGenerator(0)], code, message) => {
    const refused = () => samplePatches(images as never, count as never, size as never, generator as never);
    expect(refused).toThrow(message);
    expect(refused).toThrow(expect.objectContaining({ code: `DENOISERS_BAD_${code}` }));
  });
});
