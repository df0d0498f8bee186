import * as tf from '@tensorflow/tfjs-core';
import type { ProfiledOperation } from './profile.ts';

/** Times the kernels of a call, one after the other as they are run. */
export async function timeKernels(run: () => tf.TensorContainer): Promise<ProfiledOperation[]> {
  const { kernels, result } = await tf.profile(() => tf.tidy(run));
  tf.dispose(result);
  const operations: ProfiledOperation[] = [];
  let begin = 0;
  for (const { name, outputShapes, kernelTimeMs } of kernels) {
    // A promise, whatever its declaration says; and text where an engine cannot measure.
    const milliseconds = Number(await kernelTimeMs) || 0;
    operations.push({ name, shape: outputShapes[0] ?? [], begin, milliseconds });
    begin += milliseconds;
  }
  return operations;
}
