import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';

/** How far two numbers may be apart: |actual - expected| <= atol + rtol * |expected| (NumPy's rule). */
export interface Tolerance {
  rtol?: number;
  atol?: number;
}

/** Numbers in any of the shapes that tests meet them. */
export type Numbers = number | ArrayLike<number> | tf.Tensor | readonly Numbers[];

declare module 'vitest' {
  // The type parameter has to repeat vitest's own declaration.
  // eslint-disable-next-line @typescript-eslint/no-unused-vars, @typescript-eslint/no-explicit-any
  interface Matchers<T = any> {
    /** Elementwise closeness of tensors, typed arrays, nested arrays or numbers; shapes of two tensors must agree. */
    toBeAllClose(expected: Numbers, tolerance?: Tolerance): void;
    /** The function leaves as many tensors behind as it found, bar `kept`; called once before counting, to warm caches. */
    toLeakNoTensors(kept?: number): Promise<void>;
  }
}

expect.extend({
  toBeAllClose(actual: Numbers, expected: Numbers, { rtol = 1e-5, atol = 1e-6 }: Tolerance = {}) {
    if (isTensor(actual) && isTensor(expected) && !sameShape(actual.shape, expected.shape)) {
      return { pass: false, message: () => `shapes differ: [${actual.shape}] and [${expected.shape}]` };
    }
    const a = flatten(actual);
    const e = flatten(expected);
    if (a.length !== e.length) {
      return { pass: false, message: () => `sizes differ: ${a.length} numbers, expected ${e.length}` };
    }
    let worst = -1;
    let worstExcess = 0;
    for (let i = 0; i < a.length; i++) {
      const [x, y] = [a[i]!, e[i]!];
      const excess = Object.is(x, y) || x === y ? 0 : Math.abs(x - y) - (atol + rtol * Math.abs(y));
      if (Number.isNaN(excess) || excess > worstExcess) {
        worst = i;
        worstExcess = Number.isNaN(excess) ? Infinity : excess;
      }
    }
    return {
      pass: worst === -1,
      message: () =>
        worst === -1
          ? `expected values to differ by more than atol ${atol} + rtol ${rtol}`
          : `values differ, worst at flat index ${worst} of ${a.length}: got ${a[worst]}, expected ${e[worst]} ` +
            `(atol ${atol}, rtol ${rtol})`,
    };
  },

  async toLeakNoTensors(run: () => unknown, kept = 0) {
    await run();
    const before = tf.memory().numTensors;
    await run();
    const leaked = tf.memory().numTensors - before;
    return {
      pass: leaked === kept,
      message: () => `expected ${kept} tensors to be kept, but ${leaked} were`,
    };
  },
});

function isTensor(value: unknown): value is tf.Tensor {
  return typeof value === 'object' && value !== null && 'dataSync' in value && 'shape' in value;
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

function flatten(values: Numbers): number[] {
  if (typeof values === 'number') return [values];
  if (isTensor(values)) return Array.from(values.dataSync());
  return Array.from(values as ArrayLike<Numbers>).flatMap((value) =>
    typeof value === 'number' ? [value] : flatten(value),
  );
}
