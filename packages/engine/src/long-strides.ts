import * as tf from '@tensorflow/tfjs-core';
import { composedKernel, replaceKernel, runBuiltIn } from './composed-kernel.ts';

const kernels = [
  ...['Conv3D', 'Conv3DBackpropInputV2', 'Conv3DBackpropFilterV2'],
  ...['MaxPool3D', 'MaxPool3DGrad', 'AvgPool3D', 'AvgPool3DGrad'],
];

type PerAxis = number | readonly number[];

/** Images come as `x`, as `input` or, where they are what is asked for, as a shape; windows likewise. */
interface WindowAttributes {
  strides: PerAxis;
  pad: 'same' | 'valid' | number;
  inputShape?: number[];
  filterShape?: number[];
  filterSize?: PerAxis;
}

type Shapes = Partial<Record<string, { shape: number[] }>>;

/**
 * Makes convolutions and pooling in three dimensions right for strides longer than the window with padding `same`. There may be
 * places behind the last window then, which tfjs-core makes a negative padding of that shifts all windows: they are cut off.
 */
export function allowLongStrides(backendName: 'cpu' | 'wasm'): void {
  for (const name of kernels) {
    const kernel = tf.getKernel(name, backendName);
    const cutting = composedKernel<string, WindowAttributes>(backendName, name, (inputs, attributes) => {
      const shape = imageShape(inputs, attributes);
      const seen = seenPart(inputs, attributes);
      const cut = Object.entries(inputs).map(([key, tensor]): [string, tf.Tensor] => {
        return key === 'x' || key === 'input' ? [key, tf.slice(tensor, [0, 0, 0, 0, 0], seen)] : [key, tensor];
      });
      const { inputShape } = attributes;
      const attrs = inputShape === undefined ? attributes : { ...attributes, inputShape: seen };
      const result = runBuiltIn(kernel, Object.fromEntries(cut), attrs);
      const ofImage = inputs['x'] === undefined;
      return ofImage ? tf.pad(result, shape.map((size, axis) => [0, size - seen[axis]!])) : result; // prettier-ignore
    });
    replaceKernel({
      ...kernel,
      kernelFunc: (args) => {
        const attributes = args.attrs as unknown as WindowAttributes;
        if (attributes.pad !== 'same') return kernel.kernelFunc(args);
        const whole = tf.util.arraysEqual(seenPart(args.inputs, attributes), imageShape(args.inputs, attributes));
        return (whole ? kernel : cutting).kernelFunc(args);
      },
    });
  }
}

function imageShape(inputs: Shapes, { inputShape }: WindowAttributes): number[] {
  return inputShape ?? (inputs['x'] ?? inputs['input'])!.shape;
}

/** The shape of the part of an image that windows see with padding `same`: it ends with the last one. */
function seenPart(inputs: Shapes, attributes: WindowAttributes): number[] {
  const window = attributes.filterSize ?? attributes.filterShape ?? inputs['filter']!.shape;
  return imageShape(inputs, attributes).map((size, axis) => {
    if (axis === 0 || axis === 4) return size;
    const stride = at(attributes.strides, axis - 1);
    return Math.min(size, (Math.ceil(size / stride) - 1) * stride + at(window, axis - 1));
  });
}

function at(value: PerAxis, axis: number): number {
  return typeof value === 'number' ? value : value[axis]!;
}
