import * as tf from '@tensorflow/tfjs-core';
import { composedKernel, replaceKernel, runBuiltIn } from '../composed-kernel.ts';

/**
 * Replaces kernels of tfjs-node that call methods of tensors (`x.sub(y)`, `x.toFloat()`): only tfjs' union package registers
 * those, which this one does without.
 */
export function replaceChainedCalls(): void {
  replaceKernel(
    composedKernel<'x' | 'alpha', object>('tensorflow', 'Prelu', ({ x, alpha }) =>
      tf.add(tf.relu(x), tf.mul(alpha, tf.minimum(x, 0))),
    ),
  );
  replaceKernel(casting('Exp', 'int32', 'float32'));
  for (const name of ['ArgMax', 'ArgMin']) replaceKernel(casting(name, 'bool', 'int32'));
}

/** A kernel that is given tensors of one type as those of another. */
function casting(name: string, from: tf.DataType, to: tf.DataType): tf.KernelConfig {
  const builtIn = tf.getKernel(name, 'tensorflow');
  return {
    ...builtIn,
    kernelFunc: (args) => {
      const { x } = args.inputs as { x: tf.Tensor };
      if (x.dtype !== from) return builtIn.kernelFunc(args);
      return tf.tidy(() => runBuiltIn(builtIn, { x: tf.cast(x, to) }, args.attrs!));
    },
  };
}
