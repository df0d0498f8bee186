import * as tf from '@tensorflow/tfjs-core';
import { vjp } from '@missing-u/autodiff';
import { describe, expect, it } from 'vitest';
import { linearCombination } from '../src/tensors/linear-combination.ts';

// Small tensors are combined in another way than large ones.
describe.each([3, 5000])('a linear combination of tensors of %i numbers', (size) => {
  const term = (i: number) => tf.tensor(Float32Array.from({ length: size }, (_, j) => Math.sin(i + j)));
  const rows: [string, boolean, number[]][] = [
    ['nothing', true, []],
    ['zeros', true, [0, 0]],
    ['zeros, without a base', false, [0, 0]],
    ['one of weight 1, without a base', false, [1, 0]],
    ['one', true, [0, 0.5]],
    ['two', true, [2, -0.5]],
    ['equal weights of either sign', true, [1, -1, 1]],
    ['equal weights, one group', false, [0.25, -0.25, -0.25, 0.25]],
    ['many', true, [0.1, 0, -0.2, 0.3, 0.125, 0.375, 0.375, 0.125]],
  ];

  it.each(rows)('%s', async (_name, based, weights) => {
    const terms = weights.map((_, i) => term(i + 1));
    const base = based ? term(100) : undefined;
    const inputs = base === undefined ? terms : [...terms, base];
    const expected = Float32Array.from({ length: size }, (_, j) =>
      weights.reduce((sum, weight, i) => sum + weight * Math.sin(i + 1 + j), based ? Math.sin(100 + j) : 0),
    );
    const run = () => linearCombination(base, weights, terms);
    const [sum] = [run()];
    expect(sum).toBeAllClose(expected, { atol: 1e-6 });
    expect(inputs).not.toContain(sum);
    await expect(() => run().dispose()).toLeakNoTensors();
    const grads = vjp(run, inputs, tf.fill([size], 2));
    [...weights, ...(based ? [1] : [])].forEach((weight, i) => {
      expect(grads[i]!).toBeAllClose(tf.fill([size], 2 * weight));
    });
  });
});
