import * as tf from '@tensorflow/tfjs-core';
import type { HeapBackend, NumberArray } from '../heap.ts';

/** Below this length a loop is faster than a call that copies memory. */
const shortRun = 16;

/** Slicing without the copy of the whole input that the built-in kernel makes each time. */
export function slice(builtIn: tf.KernelConfig): tf.KernelConfig {
  return {
    ...builtIn,
    kernelFunc: (args) => {
      const x = args.inputs['x']!;
      if (x.dtype === 'string') return builtIn.kernelFunc(args);
      const attributes = args.attrs as unknown as { begin: number[]; size: number[] };
      const [begin, size] = tf.slice_util.parseSliceParams(x, attributes.begin, attributes.size);
      const backend = args.backend as HeapBackend;
      const out = backend.makeOutput(size!, x.dtype);
      // Taken after the output was made, because that may move the memory.
      copyBlock(backend.typedArrayFromHeap(x), x.shape, begin!, size!, backend.typedArrayFromHeap(out));
      return out;
    },
  };
}

function copyBlock(from: NumberArray, shape: number[], begin: number[], size: number[], to: NumberArray): void {
  if (to.length === 0) return;
  // The last axes that are taken whole, and the one before them, lie side by side: one run.
  let axis = shape.length - 1;
  while (axis > 0 && size[axis] === shape[axis]) axis--;
  const strides = [...tf.util.computeStrides(shape), 1];
  const run = tf.util.sizeFromShape(size.slice(Math.max(0, axis)));
  const counter = new Array<number>(Math.max(0, axis)).fill(0);
  let source = begin.reduce((offset, position, i) => offset + position * strides[i]!, 0);
  for (let target = 0; ; target += run) {
    if (run < shortRun) for (let i = 0; i < run; i++) to[target + i] = from[source + i]!;
    else to.set(from.subarray(source, source + run), target);
    let i = counter.length - 1;
    for (; i >= 0; i--) {
      source += strides[i]!;
      if (++counter[i]! < size[i]!) break;
      source -= counter[i]! * strides[i]!;
      counter[i] = 0;
    }
    if (i < 0) return;
  }
}

/** `tf.unstack` and `tf.split` slice by themselves in the built-in kernels. */
export const unpack: tf.KernelConfig = {
  kernelName: 'Unpack',
  backendName: 'wasm',
  kernelFunc: ({ inputs, attrs }) => {
    const value = inputs['value'] as tf.Tensor;
    const axis = (Number(attrs!['axis']) + value.rank) % value.rank;
    const shape = value.shape.filter((_, i) => i !== axis);
    return tf.tidy(() =>
      cut(value, axis, new Array<number>(value.shape[axis]!).fill(1)).map((part) => tf.reshape(part, shape)),
    );
  },
};

export const splitV: tf.KernelConfig = {
  kernelName: 'SplitV',
  backendName: 'wasm',
  kernelFunc: ({ inputs, attrs }) => {
    const x = inputs['x'] as tf.Tensor;
    const axis = (Number(attrs!['axis']) + x.rank) % x.rank;
    const sizes = tf.backend_util.prepareSplitSize(x, attrs!['numOrSizeSplits'] as number | number[], axis);
    return tf.tidy(() => cut(x, axis, sizes));
  },
};

/** Parts of `x` of the given sizes along an axis. */
function cut(x: tf.Tensor, axis: number, sizes: number[]): tf.Tensor[] {
  let at = 0;
  return sizes.map((length) => {
    const begin = x.shape.map((_, i) => (i === axis ? at : 0));
    at += length;
    return tf.slice(
      x,
      begin,
      x.shape.map((size, i) => (i === axis ? length : size)),
    );
  });
}
