import * as tf from '@tensorflow/tfjs-core';
import { replaceKernel } from './composed-kernel.ts';

/** Takes axes of `tf.cumsum` and `tf.cumprod` that are counted from the last one, which tfjs-core hands to kernels as they are. */
export function allowNegativeAxes(backendName: 'cpu' | 'wasm' | 'webgl' | 'webgpu'): void {
  for (const name of ['Cumsum', 'Cumprod']) {
    const kernel = tf.getKernel(name, backendName) as tf.KernelConfig | undefined;
    if (kernel === undefined) continue;
    replaceKernel({
      ...kernel,
      kernelFunc: (args) => {
        const [axis] = tf.util.parseAxisParam(args.attrs!['axis'] as number, args.inputs['x']!.shape) as [number];
        return kernel.kernelFunc({ ...args, attrs: { ...args.attrs, axis } });
      },
    });
  }
}
