import * as tf from '@tensorflow/tfjs-core';
import { composedKernel, replaceKernel, runBuiltIn } from '../composed-kernel.ts';

/**
 * Makes convolutions of one channel right where their strides differ: TensorFlow goes down by the stride of the columns where
 * their result is one pixel wide, and on beyond the image. A second channel of zeros keeps it from that.
 */
export function convolveOneChannel(): void {
  for (const name of ['Conv2D', 'FusedConv2D']) {
    const builtIn = tf.getKernel(name, 'tensorflow');
    replaceWhereStridesDiffer(name, (inputs, attributes) => {
      const axis = channelAxis(attributes);
      const x = tf.pad(inputs.x, oneMore(axis));
      return runBuiltIn(builtIn, { ...inputs, x, filter: tf.pad(inputs.filter, oneMore(2)) }, attributes);
    });
  }
  // The filter [h, w, 1, M] is that of a plain convolution, too.
  for (const [name, plain] of Object.entries({
    DepthwiseConv2dNative: 'Conv2D',
    FusedDepthwiseConv2D: 'FusedConv2D',
  })) {
    replaceWhereStridesDiffer(name, (inputs, attributes) =>
      tf.engine().runKernel(plain, inputs, { ...attributes, dilations: [1, 1] }),
    );
  }
}

interface Attributes {
  strides: [number, number] | number;
  dataFormat?: 'NHWC' | 'NCHW';
}

type Compute = (inputs: Record<'x' | 'filter', tf.Tensor>, attributes: Attributes) => tf.Tensor;

function replaceWhereStridesDiffer(name: string, compute: Compute): void {
  const builtIn = tf.getKernel(name, 'tensorflow');
  const composed = composedKernel('tensorflow', name, compute);
  replaceKernel({
    ...builtIn,
    kernelFunc: (args) => {
      const attributes = args.attrs as unknown as Attributes;
      const { strides } = attributes;
      const differ = typeof strides !== 'number' && strides[0] !== strides[1];
      const concerned = differ && args.inputs['x']!.shape[channelAxis(attributes)] === 1;
      return (concerned ? composed : builtIn).kernelFunc(args);
    },
  });
}

function channelAxis({ dataFormat }: Attributes): number {
  return dataFormat === 'NCHW' ? 1 : 3;
}

/** Padding of four axes by one zero at the end of `axis`. */
function oneMore(axis: number): [number, number][] {
  return [0, 1, 2, 3].map((each) => [0, each === axis ? 1 : 0]);
}
