import type * as tf from '@tensorflow/tfjs-core';

/** The shape in which the data of a right-hand matrix was multiplied first. */
const packedAs = new WeakMap<object, string>();

/**
 * A matrix product (`BatchMatMul`, `_FusedMatMul`) that is right for data which are multiplied in two shapes. XNNPACK packs the
 * right-hand matrix, and the backend keeps what was packed by the data alone, so another shape of them got the wrong one:
 * it gets a copy of its own here.
 */
export function packedByShape(builtIn: tf.KernelConfig, copy: tf.KernelConfig): tf.KernelConfig {
  return {
    ...builtIn,
    kernelFunc: (args) => {
      const b = args.inputs['b']!;
      const shape = b.shape.slice(-2).join('x');
      const first = packedAs.get(b.dataId) ?? shape;
      if (first === shape) {
        packedAs.set(b.dataId, shape);
        return builtIn.kernelFunc(args);
      }
      const own = copy.kernelFunc({ inputs: { x: b }, attrs: {}, backend: args.backend }) as tf.TensorInfo;
      const result = builtIn.kernelFunc({ ...args, inputs: { ...args.inputs, b: own } });
      (args.backend as tf.KernelBackend).disposeData(own.dataId);
      return result;
    },
  };
}
