import type { Tensor } from '@tensorflow/tfjs-core';
import { expect } from 'vitest';

/**
 * Every 29th number of a gradient against PyTorch's, in units of the sample's size. A ReLU at its kink falls to either side on
 * different engines, which moves single numbers by more than rounding does.
 */
export function expectGradient(gradient: Tensor, expected: readonly number[]): void {
  const found = gradient.dataSync().filter((_, i) => i % 29 === 0);
  expect(found.length).toBe(expected.length);
  const square = (values: ArrayLike<number>) => Array.from(values).reduce((sum, value) => sum + value ** 2, 0);
  expect(Math.sqrt(square(found.map((value, i) => value - expected[i]!)) / square(expected))).toBeLessThan(2e-3);
}
