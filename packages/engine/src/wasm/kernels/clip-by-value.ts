import * as tf from '@tensorflow/tfjs-core';
import { composedKernel } from '../../composed-kernel.ts';

interface ClipAttributes {
  clipValueMin: number;
  clipValueMax: number;
}

/** `tf.clipByValue` of integers, too, whose bits the built-in kernel takes for floating-point numbers. */
export function clipByValue(builtIn: tf.KernelConfig): tf.KernelConfig {
  const ofIntegers = composedKernel<'x', ClipAttributes>(
    'wasm',
    builtIn.kernelName,
    ({ x }, { clipValueMin, clipValueMax }) => {
      const [least, most] = [clipValueMin, clipValueMax].map((bound) =>
        tf.scalar(Math.trunc(Math.min(Math.max(bound, -(2 ** 31)), 2 ** 31 - 1)), 'int32'),
      );
      return tf.minimum(tf.maximum(x, least!), most!);
    },
  );
  return {
    ...builtIn,
    kernelFunc: (args) => (args.inputs['x']!.dtype === 'int32' ? ofIntegers : builtIn).kernelFunc(args),
  };
}
