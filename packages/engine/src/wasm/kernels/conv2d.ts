import type * as tf from '@tensorflow/tfjs-core';
import { geometry, type ConvolutionAttributes, type Shape4D } from './convolution.ts';

/**
 * A built-in convolution that is right for strides longer than the filter: with 'same' padding, which is then none at all,
 * XNNPACK returns zeros.
 */
export function withExplicitPadding(builtIn: tf.KernelConfig): tf.KernelConfig {
  const depthwise = builtIn.kernelName.includes('Depthwise');
  return {
    ...builtIn,
    kernelFunc: (args) => {
      const attributes = args.attrs as unknown as ConvolutionAttributes;
      const [x, filter] = [args.inputs['x']!, args.inputs['filter']!];
      if (attributes.pad !== 'same' || attributes.dataFormat === 'NCHW') return builtIn.kernelFunc(args);
      const { strides, padding } = geometry(x.shape as Shape4D, filter.shape as Shape4D, attributes, depthwise);
      if (strides[0] <= filter.shape[0]! && strides[1] <= filter.shape[1]!) return builtIn.kernelFunc(args);
      const attrs = { ...args.attrs, pad: [[0, 0], ...padding, [0, 0]] };
      return builtIn.kernelFunc({ ...args, attrs: attrs });
    },
  };
}
