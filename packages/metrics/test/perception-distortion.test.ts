import { expect, it } from 'vitest';
import { perceptionDistortion } from '../src/index.ts';

it('finds the front', () => {
  const points = [
    { label: 'sharp', distortion: 3, perception: 1 },
    { label: 'worse', distortion: 3, perception: 2 },
    { label: 'smooth', distortion: 1, perception: 4 },
    { label: 'twin', distortion: 1, perception: 4 },
  ];
  const placed = perceptionDistortion(points);
  expect(placed.map(({ label, dominated }) => [label, dominated])).toEqual([
    ['smooth', false],
    ['twin', false],
    ['sharp', false],
    ['worse', true],
  ]);
  expect(() => perceptionDistortion([{ label: 'bad', distortion: NaN, perception: 1 }])).toThrow(/bad/);
});
