import { createGenerator } from '@missing-u/random';
import { describe, expect, it } from 'vitest';
import { gatherGroup, haar } from '../src/bm3d/group.ts';
import { GroupNoise } from '../src/bm3d/overlap.ts';
import { spectraOf } from '../src/bm3d/spectra.ts';
import { transformOf } from '../src/bm3d/transforms.ts';

/** The variances by definition: each coefficient is a sum over pixels, and its variance the sum of the squared factors. */
function byImpulses(name: 'dct' | 'bior1.5', size: number, patches: readonly number[], columns: number, rows: number) {
  const transform = transformOf(name, size);
  const perPatch = size * size;
  const group = new Float64Array(patches.length * perPatch);
  const variances = new Float64Array(group.length);
  const plane = new Float32Array((columns + size - 1) * (rows + size - 1));
  for (let pixel = 0; pixel < plane.length; pixel++) {
    plane[pixel] = 1;
    const spectra = spectraOf(plane, { top: 0, left: 0, rows, columns }, transform);
    gatherGroup(
      spectra,
      Int32Array.from(patches, (patch) => patch * perPatch),
      perPatch,
      group,
    );
    haar(group, perPatch);
    group.forEach((value, i) => (variances[i]! += value * value));
    plane[pixel] = 0;
  }
  return variances;
}

describe('GroupNoise', () => {
  const [columns, rows] = [13, 11];
  const noise = (name: 'dct' | 'bior1.5', size: number) => new GroupNoise(transformOf(name, size), 16);

  it.each([
    ['dct', 5],
    ['bior1.5', 8],
  ] as const)(
    'has the variance of white noise in each coefficient of a group of overlapping patches, %s of %i',
    (name, size) => {
      const generator = createGenerator(0);
      const instance = noise(name, size);
      for (const count of [16, 2, 1, 8]) {
        const patches = Array.from({ length: count }, () => generator.integer(columns * rows));
        const expected = byImpulses(name, size, patches, columns, rows);
        const got = instance.variances(Int32Array.of(-1, ...patches), 1, count, columns).slice(0, expected.length);
        expect(got).toBeAllClose(expected, { atol: 2e-6 });
      }
    },
  );

  it('is one where patches are apart, and all in the sum where they are the same', () => {
    const apart = noise('dct', 5).variances(Int32Array.of(0, 6, 12, 12 + 9 * columns), 0, 4, columns);
    expect(Array.from(apart.subarray(0, 100))).toBeAllClose(new Array(100).fill(1), { atol: 1e-12 });
    const same = noise('dct', 5).variances(Int32Array.of(7, 7), 0, 2, columns);
    expect(Array.from(same.subarray(0, 25))).toBeAllClose(new Array(25).fill(2), { atol: 1e-12 });
    expect(Math.max(...same.subarray(25, 50))).toBeLessThan(1e-5);
  });
});
