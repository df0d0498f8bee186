import * as tf from '@tensorflow/tfjs-core';
import { composedKernel, replaceKernel, runBuiltIn } from '../composed-kernel.ts';

/**
 * Makes dilated depthwise convolutions right: TensorFlow's operation takes no account of dilations on the processor. A filter
 * with zeros between its taps does the same.
 */
export function allowDepthwiseDilations(): void {
  for (const name of ['DepthwiseConv2dNative', 'FusedDepthwiseConv2D']) {
    const builtIn = tf.getKernel(name, 'tensorflow');
    const spreading = composedKernel<'filter', { dilations: [number, number] | number }>(
      'tensorflow',
      name,
      (inputs, attributes) => {
        const filter = spread(inputs.filter as tf.Tensor4D, rates(attributes.dilations));
        return runBuiltIn(builtIn, { ...inputs, filter }, { ...attributes, dilations: [1, 1] });
      },
    );
    replaceKernel({
      ...builtIn,
      kernelFunc: (args) => {
        const dilated = rates(args.attrs!['dilations'] as [number, number] | number | null).some((rate) => rate !== 1);
        return dilated ? spreading.kernelFunc(args) : builtIn.kernelFunc(args);
      },
    });
  }
}

function rates(dilations: [number, number] | number | null): [number, number] {
  return Array.isArray(dilations) ? dilations : [dilations ?? 1, dilations ?? 1];
}

/** A filter [h, w, C, M] with `rate - 1` zeros between its rows and columns. */
function spread(filter: tf.Tensor4D, [rateY, rateX]: [number, number]): tf.Tensor4D {
  const [h, w, channels, multiplier] = filter.shape;
  const apart = tf.pad(tf.reshape(filter, [h, 1, w, 1, channels * multiplier]), [
    [0, 0],
    [0, rateY - 1],
    [0, 0],
    [0, rateX - 1],
    [0, 0],
  ]);
  const whole = tf.reshape<tf.Rank.R4>(apart, [h * rateY, w * rateX, channels, multiplier]);
  return tf.slice(whole, [0, 0, 0, 0], [(h - 1) * rateY + 1, (w - 1) * rateX + 1, channels, multiplier]);
}
