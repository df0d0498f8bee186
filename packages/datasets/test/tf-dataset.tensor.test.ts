import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { shapes } from '../src/index.ts';

it('toTfDataset can be chained as tf.data is, and leaves nothing behind', async () => {
  const dataset = shapes({ length: 10, size: 4 });
  const run = async () => {
    const seen: number[] = [];
    const chained = (await dataset.toTfDataset()).skip(2).batch(3);
    await chained.forEachAsync((value) => {
      const { xs, ys } = value as { xs: tf.Tensor; ys: tf.Tensor };
      expect(xs.shape.slice(1)).toEqual([4, 4, 3]);
      seen.push(...Array.from(ys.dataSync()));
      tf.dispose([xs, ys]);
    });
    return seen;
  };
  expect(await run()).toEqual([2, 3, 0, 1, 2, 3, 0, 1]);
  await expect(run).toLeakNoTensors(0);
});
