import * as tf from '@tensorflow/tfjs-core';
import { createGenerator } from '@missing-u/random';
import { beforeEach, expect, it, vi } from 'vitest';
import { useEngine } from '../src/index.ts';
import { ownCacheFolder } from './folder.ts';

// No native engine is found in it, and no card by the driver that is named.
ownCacheFolder();
beforeEach(() => void vi.stubEnv('VK_ICD_FILENAMES', '/nowhere/card.json'));

it('wasm runs on several threads in Node, with the results of one', async () => {
  const random = createGenerator(1);
  const image = random.fillNormal(new Float32Array(2 * 12 * 12 * 16));
  const filter = random.fillNormal(new Float32Array(3 * 3 * 16 * 16));
  const compute = () =>
    tf.tidy(() => {
      const f = (x: tf.Tensor, w: tf.Tensor) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'same');
      const inputs = [tf.tensor4d(image, [2, 12, 12, 16]), tf.tensor4d(filter, [3, 3, 16, 16])];
      const { value, grads } = tf.valueAndGrads((x, w) => tf.sum(tf.square(f(x, w))))(inputs);
      return [value, ...grads].map((result) => result.dataSync());
    });

  const engine = await useEngine('wasm', { threads: 2 });
  expect(engine).toMatchObject({ device: expect.stringContaining('2 threads') as string, notes: [] });
  const several = compute();
  await useEngine('cpu');
  compute().forEach((one, i) => expect(several[i]).toBeAllClose(one, { rtol: 1e-4, atol: 1e-2 }));

  await expect(useEngine('wasm', { threads: 1 })).rejects.toMatchObject({
    code: 'ENGINE_ALREADY_STARTED',
    message: /already runs with 2 thread/,
  });
  // Neither does `auto`, which would take another engine then.
  await expect(useEngine('auto', { threads: 1, log: () => undefined })).rejects.toMatchObject({
    code: 'ENGINE_ALREADY_STARTED',
  });
});
