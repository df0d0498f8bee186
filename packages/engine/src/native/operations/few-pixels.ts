import * as tf from '@tensorflow/tfjs-core';
import type { GraphBackend } from '../../compile/backend.ts';
import { replaceKernel } from '../../composed-kernel.ts';
import type { NativeBinding } from '../load.ts';

/** Up to so many pixels, of all images together, the own operation is the faster one. */
const fewPixels = 32;

/** Lets convolutions of few pixels be computed by the operation for them, where the processor and the compiler allow it. */
export function convolveFewPixels(binding: NativeBinding): void {
  if (!isRegistered(binding)) return;
  const builtIn = tf.getKernel('Conv2D', 'tensorflow');
  replaceKernel({
    ...builtIn,
    kernelFunc: (args) => {
      const { x, filter } = args.inputs as { x: tf.TensorInfo; filter: tf.TensorInfo };
      if (!isForIt(x, filter, args.attrs as Record<string, unknown>)) return builtIn.kernelFunc(args);
      return (args.backend as unknown as GraphBackend).executeSingleOutput('MissingUConvolution', [], [x, filter]);
    },
  });
}

/** The operation is there for compilers and processors with AVX-512 only; TensorFlow tells by running it. */
function isRegistered(binding: NativeBinding): boolean {
  const zeros = (shape: number[]) =>
    binding.createTensor(shape, binding['TF_FLOAT'] as number, new Float32Array(tf.util.sizeFromShape(shape)));
  const inputs = [zeros([1, 2, 4, 1]), zeros([3, 3, 1, 32])];
  try {
    const [y] = binding.executeOp('MissingUConvolution', [], inputs, 1);
    binding.deleteTensor(y!.id);
    return true;
  } catch {
    return false;
  } finally {
    for (const id of inputs) binding.deleteTensor(id);
  }
}

function isForIt(x: tf.TensorInfo, filter: tf.TensorInfo, attributes: Record<string, unknown>): boolean {
  const { strides, dilations, pad, dataFormat } = attributes;
  const plain = [strides, dilations ?? 1].flat().every((each) => each === 1) && pad === 'same' && dataFormat === 'NHWC';
  if (!plain || x.dtype !== 'float32' || filter.dtype !== 'float32') return false;
  const [images, height, width] = x.shape as [number, number, number, number];
  const [rows, columns, , outputs] = filter.shape as [number, number, number, number];
  if (rows !== 3 || columns !== 3 || outputs % 32 !== 0) return false;
  return images * height * width <= fewPixels && (width % 8 === 0 || (width % 4 === 0 && height % 2 === 0));
}
