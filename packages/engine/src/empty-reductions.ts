import * as tf from '@tensorflow/tfjs-core';
import { composedKernel, replaceKernel } from './composed-kernel.ts';

/** `Max` has a name of its own for the axes. */
interface ReductionAttributes {
  axis?: number | number[];
  reductionIndices?: number | number[];
  keepDims: boolean;
}

/** What nothing amounts to, as NumPy and TensorFlow have it; integers have bounds of their own in the place of the infinities. */
const neutral: Record<string, number> = { Sum: 0, Prod: 1, Mean: NaN, Max: -Infinity, Min: Infinity, All: 1, Any: 0 };

/**
 * Makes reductions over no elements right. On wasm their results are memory that nobody wrote, on cpu a mean of 0 and an `all`
 * that is false.
 */
export function reduceNothing(backendName: 'cpu' | 'wasm' | 'webgl' | 'webgpu'): void {
  for (const [name, value] of Object.entries(neutral)) {
    const kernel = tf.getKernel(name, backendName) as tf.KernelConfig | undefined;
    if (kernel === undefined) continue;
    const ofNothing = composedKernel<'x', ReductionAttributes>(backendName, name, ({ x }, attributes) => {
      const { axis, reductionIndices = axis, keepDims } = attributes;
      const axes = tf.util.parseAxisParam(reductionIndices!, x.shape);
      const shape = x.shape.flatMap((size, i) => (axes.includes(i) ? (keepDims ? [1] : []) : [size]));
      const dtype = name === 'Mean' ? 'float32' : x.dtype;
      return tf.fill(shape, dtype === 'int32' ? bounded(value) : value, dtype);
    });
    replaceKernel({
      ...kernel,
      kernelFunc: (args) => (args.inputs['x']!.shape.includes(0) ? ofNothing : kernel).kernelFunc(args),
    });
  }
}

function bounded(value: number): number {
  return Math.min(Math.max(value, -(2 ** 31)), 2 ** 31 - 1);
}
