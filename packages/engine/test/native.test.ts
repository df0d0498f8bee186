import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { useEngine, verifyEngine } from '../src/index.ts';
import { findInstallations, nativeBackend } from '../src/node.ts';

const installed = (await findInstallations()).some(({ fault }) => fault === undefined);

describe.skipIf(!installed)('the native engine (needs `missing-u-engine native install`)', () => {
  it('starts on this copy of tfjs-core, and computes as it should', async () => {
    const engine = await useEngine('native', { threads: 2 });
    expect(engine).toMatchObject({ name: 'native', version: expect.stringMatching(/^TensorFlow 2\./) as string });
    expect(tf.getBackend()).toBe('tensorflow');
    await verifyEngine();
  });

  it('gives the binding, which reaches operations that tfjs has no name for', () => {
    const backend = nativeBackend()!;
    const type = { name: 'T', type: Number(backend.binding.TF_ATTR_TYPE), value: backend.binding.TF_FLOAT };
    const x = tf.tensor1d([0.5, 1]);
    const result = backend.executeSingleOutput('Lgamma', [type], [x]);
    expect(result).toBeAllClose([0.5723649, 0]);
    tf.dispose([x, result]);
  });

  it('lets go of all tensors', async () => {
    const backend = nativeBackend()!;
    const run = () =>
      tf.tidy(() =>
        tf
          .grad((x) => tf.sum(tf.softmax(tf.matMul(x, x))))(tf.ones([8, 8]))
          .dataSync(),
      );
    run();
    const before = backend.binding.getNumOfTensors();
    run();
    expect(backend.binding.getNumOfTensors()).toBe(before);
    await expect(run).toLeakNoTensors();
  });

  it('keeps its number of threads, and needs a graphics card where one is insisted on', async () => {
    await expect(useEngine('native', { threads: 3 })).rejects.toMatchObject({ code: 'ENGINE_ALREADY_STARTED' });
    await expect(useEngine('native', { gpu: true })).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      message: expect.stringContaining('native install --gpu') as string,
    });
  });
});
