import * as tf from '@tensorflow/tfjs-core';

/** Calls `onKernel` after each kernel that an eager call runs, wherever in the libraries it is called. */
function watchKernels(call: () => void, onKernel: (name: string, numBytes: number) => void): void {
  const engine = tf.engine();
  const runKernel = engine.runKernel.bind(engine);
  engine.runKernel = ((...args: Parameters<typeof runKernel>) => {
    const result = runKernel(...args);
    onKernel(args[0], engine.state.numBytes);
    return result;
  }) as typeof runKernel;
  try {
    call();
  } finally {
    // The method of the class again.
    delete (engine as Partial<typeof engine>).runKernel;
  }
}

/** The highest number of bytes in tensors while an eager call runs, beyond those that were there before. */
export function peakBytes(call: () => void): number {
  const before = tf.memory().numBytes;
  let peak = before;
  watchKernels(call, (_name, numBytes) => (peak = Math.max(peak, numBytes)));
  return peak - before;
}

/** How many convolutions an eager call runs. */
export function convolutionsIn(call: () => void): number {
  let count = 0;
  watchKernels(call, (name) => (count += name === 'Conv2D' || name === 'FusedConv2D' ? 1 : 0));
  return count;
}
