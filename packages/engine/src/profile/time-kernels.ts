import * as tf from '@tensorflow/tfjs-core';
import type { ProfiledOperation } from './profile.ts';

/** Times the kernels of a call, one after the other as they are run. */
export async function timeKernels(run: () => tf.TensorContainer): Promise<ProfiledOperation[]> {
  const depths: number[] = [];
  const { kernels, result } = await tf.profile(() => {
    noteDepths(depths);
    return tf.tidy(run);
  });
  tf.dispose(result);
  const operations: ProfiledOperation[] = [];
  let begin = 0;
  for (const [i, { name, outputShapes, kernelTimeMs }] of kernels.entries()) {
    // Made of kernels that stand before it in the list, each with its time: a function with a gradient of its own.
    if (i > 0 && depths[i - 1]! > depths[i]!) continue;
    // A promise, whatever its declaration says; and text where an engine cannot measure.
    const milliseconds = Number(await kernelTimeMs) || 0;
    operations.push({ name, shape: outputShapes[0] ?? [], begin, milliseconds });
    begin += milliseconds;
  }
  return operations;
}

/** Notes of each kernel, as the running profile gets it, within how many others it was run. */
function noteDepths(depths: number[]): void {
  const { state } = tf.engine();
  const { kernels } = state.activeProfile;
  kernels.push = (...added) => {
    depths.push(...added.map(() => state.kernelDepth));
    return Array.prototype.push.apply(kernels, added);
  };
}
