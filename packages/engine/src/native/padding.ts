import * as tf from '@tensorflow/tfjs-core';
import { windowShares, type PoolAttributes } from '../average-pool.ts';
import { composedKernel, replaceKernel, runBuiltIn } from '../composed-kernel.ts';

type Pad = 'same' | 'valid' | number | tf.backend_util.ExplicitPadding;
type Shape4D = [number, number, number, number];
type Borders = [[number, number], [number, number], [number, number], [number, number]];

/**
 * Lets the native engine take padding that is given as a number or as explicit amounts wherever the other engines do.
 * tfjs-node's JavaScript refuses it in pooling and in all gradients: here the images get their borders first.
 */
export function allowNumericPadding(): void {
  for (const name of ['Conv2D', 'FusedConv2D', 'DepthwiseConv2dNative', 'FusedDepthwiseConv2D']) replaceForward(name);
  for (const name of ['Conv2DBackpropInput', 'DepthwiseConv2dNativeBackpropInput']) replaceInputGradient(name);
  for (const name of ['Conv2DBackpropFilter', 'DepthwiseConv2dNativeBackpropFilter']) replaceFilterGradient(name);
  replaceMaxPool();
  replaceAveragePool();
}

/** The kernels of convolutions know explicit amounts, but no number. */
function replaceForward(name: string): void {
  const builtIn = tf.getKernel(name, 'tensorflow');
  replaceKernel({
    ...builtIn,
    kernelFunc: (args) => {
      const pad = args.attrs!['pad'] as unknown as Pad;
      if (typeof pad !== 'number' || pad === 0) return builtIn.kernelFunc(args);
      const attrs = { ...args.attrs, pad: borders(pad) as unknown as number[] };
      return builtIn.kernelFunc({ ...args, attrs });
    },
  });
}

/** The image gets its borders, and the rest is done without padding. */
function replaceFilterGradient(name: string): void {
  replace<'x' | 'dy', { pad: Pad }>(name, (builtIn, { x, dy }, attributes, around) =>
    builtIn({ x: tf.pad(x, around), dy }, { ...attributes, pad: 'valid' }),
  );
}

/** The gradient of the image with borders, whose borders are cut off. */
function replaceInputGradient(name: string): void {
  replace<'dy' | 'filter', { pad: Pad; inputShape: Shape4D }>(name, (builtIn, inputs, attributes, around) => {
    const inputShape = attributes.inputShape.map((size, axis) => size + around[axis]![0] + around[axis]![1]);
    const dx = builtIn(inputs, { ...attributes, inputShape, pad: 'valid' });
    return cut(dx, attributes.inputShape, around);
  });
}

/** Borders of minus infinity never win. */
function replaceMaxPool(): void {
  replace<'x', { pad: Pad }>('MaxPool', (builtIn, { x }, attributes, around) =>
    builtIn({ x: tf.pad(x, around, -Infinity) }, { ...attributes, pad: 'valid' }),
  );
  replace<'dy' | 'input' | 'output', { pad: Pad }>('MaxPoolGrad', (builtIn, inputs, attributes, around) => {
    const input = tf.pad(inputs.input, around, -Infinity);
    const dx = builtIn({ ...inputs, input }, { ...attributes, pad: 'valid' });
    return cut(dx, inputs.input.shape as Shape4D, around);
  });
}

/** Borders of zeros count neither in the sum of a window nor, which has to be made up for, in the number of its pixels. */
function replaceAveragePool(): void {
  const withShares = (mean: tf.Tensor, shape: number[], attributes: PoolAttributes, pad: Borders) => {
    const shares = windowShares(shape, { ...attributes, pad });
    return shares === undefined ? mean : tf.mul(mean, shares);
  };
  replace<'x', PoolAttributes>('AvgPool', (builtIn, { x }, attributes, around) =>
    withShares(builtIn({ x: tf.pad(x, around) }, { ...attributes, pad: 'valid' }), x.shape, attributes, around),
  );
  replace<'dy' | 'input', PoolAttributes>('AvgPoolGrad', (builtIn, { dy, input }, attributes, around) => {
    const scaled = withShares(dy, input.shape, attributes, around);
    const dx = builtIn({ dy: scaled, input: tf.pad(input, around) }, { ...attributes, pad: 'valid' });
    return cut(dx, input.shape as Shape4D, around);
  });
}

type Run = (inputs: Record<string, tf.Tensor>, attributes: object) => tf.Tensor;

/** Replaces a kernel for NHWC images whose padding is neither 'same' nor 'valid'; for all others it stays what it was. */
function replace<Inputs extends string, Attributes extends { pad: Pad }>(
  name: string,
  compute: (builtIn: Run, inputs: Record<Inputs, tf.Tensor>, attributes: Attributes, around: Borders) => tf.Tensor,
): void {
  const original = tf.getKernel(name, 'tensorflow');
  const builtIn: Run = (inputs, attributes) => runBuiltIn(original, inputs, attributes);
  const composed = composedKernel<Inputs, Attributes>('tensorflow', name, (inputs, attributes) =>
    compute(builtIn, inputs, attributes, borders(attributes.pad)),
  );
  replaceKernel({
    ...original,
    kernelFunc: (args) => {
      const pad = args.attrs!['pad'] as unknown as Pad;
      const simple = pad === 'same' || pad === 'valid' || pad === 0;
      return simple ? original.kernelFunc(args) : composed.kernelFunc(args);
    },
  });
}

function borders(pad: Pad): Borders {
  if (Array.isArray(pad)) return pad;
  const amount = Number(pad);
  return [
    [0, 0],
    [amount, amount],
    [amount, amount],
    [0, 0],
  ];
}

function cut(x: tf.Tensor, shape: Shape4D, around: Borders): tf.Tensor {
  return tf.slice(
    x,
    around.map(([before]) => before),
    shape,
  );
}
