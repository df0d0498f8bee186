import * as tf from '@tensorflow/tfjs-core';
import { OdeError } from '../errors.ts';

/**
 * Runs a field, called `name` in a message. Where it fails because it uses a tensor that was disposed, which engines tell in words of
 * their own or not at all, the error says so.
 */
export function withDisposedNamed<T>(name: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof OdeError) throw error;
    throw findDisposed(name, run, error) ?? error;
  }
}

/** Runs a field that has failed once more, looking at the operands of its operations. */
function findDisposed(name: string, run: () => unknown, cause: unknown): OdeError | undefined {
  const engine = tf.engine();
  const watched = engine as unknown as {
    runKernel: (kernel: string, inputs: tf.NamedTensorMap, ...rest: unknown[]) => unknown;
  };
  const original = Object.getOwnPropertyDescriptor(engine, 'runKernel');
  const runKernel = watched.runKernel.bind(engine);
  let found: OdeError | undefined;
  watched.runKernel = (kernel, inputs, ...rest) => {
    // Some kernels take a list of tensors.
    const gone = Object.values(inputs)
      .flat()
      .find((input) => input?.isDisposed);
    if (gone !== undefined) {
      found ??= new OdeError(
        'ODE_DISPOSED',
        `${name} uses a tensor of shape [${gone.shape}] that was disposed, in ${kernel}; keep what it closes over ` +
          'alive (`tf.keep`) until the solve, and its gradient, are done.',
        { cause },
      );
      throw found;
    }
    return runKernel(kernel, inputs, ...rest);
  };
  try {
    tf.tidy(() => void run());
  } catch {
    // The first error is the one that counts.
  } finally {
    if (original === undefined) delete (watched as Partial<typeof watched>).runKernel;
    else Object.defineProperty(engine, 'runKernel', original);
  }
  return found;
}
