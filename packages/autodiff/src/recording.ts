import * as tf from '@tensorflow/tfjs-core';

/** What somebody who records the operations of a call, to run or write them down later, asks of it. */
export interface Recording {
  /** Only kernels that all engines have, as another program will run them. */
  plain: boolean;
  /** Whether what runs now has been computed before, and is computed again instead of having been kept (see {@link again}). */
  again?: boolean;
}

/**
 * Under this name a {@link Recording} lies on TensorFlow.js' engine as long as it lasts. A symbol of all, so that packages that
 * record need not know this one.
 */
const key = Symbol.for('@missing-u/recording');

/** The recording that is on, if one is: values cannot be read, and must not be decided by. */
export function runningRecording(): Recording | undefined {
  return (tf.engine() as unknown as Record<symbol, Recording | undefined>)[key];
}

/**
 * Runs what was run before and not kept, to save memory. A recording is told, as a program would otherwise see two computations
 * of the same, and keep the result of the first.
 */
export function again<T>(run: () => T): T {
  const recording = runningRecording();
  if (recording === undefined) return run();
  const { again: outer = false } = recording;
  recording.again = true;
  try {
    return run();
  } finally {
    recording.again = outer;
  }
}

/**
 * Whether the running engine has a kernel that only some have, and may use it. Where not, the same is composed of others; and
 * where a second derivative is on its way, as these kernels have no gradient (see `isTaping`).
 */
export function hasKernel(name: string): boolean {
  if (runningRecording()?.plain === true) return false;
  // The registry answers undefined where an engine lacks a kernel, which its type does not say.
  return (tf.getKernel(name, tf.getBackend()) as tf.KernelConfig | undefined) !== undefined;
}
