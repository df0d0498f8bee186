import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { Dataset } from '../src/index.ts';
import { memorySource } from '../src/sources/memory.ts';
import { View } from '../src/view.ts';

const data = Uint8Array.from({ length: 5 * 12 }, (_, i) => (37 * i) % 256);
const labels = { data: new Int32Array([3, 1, 4, 1, 5]), width: 1 };
const dataset = new Dataset(new View({ source: memorySource(data, [2, 2, 3], 'test'), labels }), { name: 'test' });

describe('batches as tensors', () => {
  it('are NHWC float32 in [-1, 1], or int32', async () => {
    const [first] = [(await dataset.batches({ batchSize: 4 }).next()).value!];
    expect([first.images.shape, first.images.dtype, [...first.labels!]]).toEqual([
      [4, 2, 2, 3],
      'float32',
      [3, 1, 4, 1],
    ]);
    expect(first.images).toBeAllClose(
      Array.from(data.subarray(0, 48), (byte) => byte / 127.5 - 1),
      { atol: 1e-6 },
    );
    const bytes = (await dataset.batches({ batchSize: 1, dtype: 'uint8' }).next()).value!;
    expect([bytes.images.dtype, ...bytes.images.dataSync()]).toEqual(['int32', ...data.subarray(0, 12)]);
    tf.dispose([first.images, bytes.images]);
  });

  it('leave nothing behind once they are disposed, also when the loop is left or a step throws', async () => {
    await expect(async () => {
      for await (const batch of dataset.batches({ batchSize: 2, prefetch: 2 })) tf.dispose(batch.images);
    }).toLeakNoTensors();
    await expect(async () => {
      for await (const batch of dataset.batches({ batchSize: 2, prefetch: 2 })) {
        tf.dispose(batch.images);
        break;
      }
    }).toLeakNoTensors();
    await expect(async () => {
      const failing = dataset.zip(dataset).map((example) => {
        if (example.index === 3) throw new Error('no');
        return example;
      });
      try {
        for await (const batch of failing.batches({ batchSize: 2 })) tf.dispose([batch.images, batch.paired!.images]);
      } catch {
        // what happens then is tested elsewhere
      }
    }).toLeakNoTensors();
  });
});
