import type * as tf from '@tensorflow/tfjs-core';

/** The part of the backend that counts how many tensors share data. */
interface CountingBackend {
  incRef(dataId: object): void;
}

/**
 * A tensor with the data of another: nothing is copied. The built-in kernels of `Identity` and `Cast` copy, and the tape of
 * a gradient holds an `Identity` of everything that it saves, once for every operation that saves it; kernels never write
 * into their inputs, so data can be shared.
 */
function share({ dataId, shape, dtype }: tf.TensorInfo, backend: unknown): tf.TensorInfo {
  (backend as CountingBackend).incRef(dataId);
  return { dataId, shape, dtype };
}

export function identity(builtIn: tf.KernelConfig): tf.KernelConfig {
  return {
    ...builtIn,
    kernelFunc: (args) => {
      const x = args.inputs['x']!;
      return x.dtype === 'string' ? builtIn.kernelFunc(args) : share(x, args.backend);
    },
  };
}

export function cast(builtIn: tf.KernelConfig): tf.KernelConfig {
  return {
    ...builtIn,
    kernelFunc: (args) => {
      const x = args.inputs['x']!;
      return x.dtype === String(args.attrs!['dtype']) && x.dtype !== 'string'
        ? share(x, args.backend)
        : builtIn.kernelFunc(args);
    },
  };
}
