import * as tf from '@tensorflow/tfjs-core';
import { replaceKernel } from './composed-kernel.ts';

export type Pad = 'same' | 'valid' | number | tf.backend_util.ExplicitPadding;

/** Padding that is given as one number, written out for every side; anything else stays what it is. */
export function writtenOut(pad: Pad, dataFormat: string | undefined): Exclude<Pad, number> {
  if (typeof pad !== 'number') return pad;
  const [none, amount]: [number, number][] = [
    [0, 0],
    [pad, pad],
  ];
  return dataFormat === 'NCHW' ? [none!, none!, amount!, amount!] : [none!, amount!, amount!, none!];
}

const kernels = [
  ...['Conv2D', 'FusedConv2D', 'Conv2DBackpropInput', 'Conv2DBackpropFilter'],
  ...['DepthwiseConv2dNative', 'FusedDepthwiseConv2D'],
  ...['DepthwiseConv2dNativeBackpropInput', 'DepthwiseConv2dNativeBackpropFilter'],
  ...['MaxPool', 'MaxPoolGrad', 'AvgPool', 'AvgPoolGrad'],
];

/**
 * Makes convolutions and pooling right where the padding is one number and the window or its stride is not square. For such
 * padding tfjs-core works out the width of the result by the height of the window and its stride: columns are missing
 * then, or, on wasm, are written beyond the end of the result.
 */
export function correctNumericPadding(backendName: string): void {
  for (const name of kernels) {
    const kernel = tf.getKernel(name, backendName) as tf.KernelConfig | undefined;
    if (kernel === undefined) continue;
    replaceKernel({
      ...kernel,
      kernelFunc: (args) => {
        const { pad, dataFormat } = args.attrs as unknown as { pad: Pad; dataFormat?: string };
        if (typeof pad !== 'number') return kernel.kernelFunc(args);
        const attrs = { ...args.attrs, pad: writtenOut(pad, dataFormat) as unknown as number[] };
        return kernel.kernelFunc({ ...args, attrs });
      },
    });
  }
}
