import * as tf from '@tensorflow/tfjs-core';
import { attributeTypes, type GraphBackend } from '../compile/backend.ts';
import { replaceKernel } from '../composed-kernel.ts';

/** Replaces kernels of tfjs-node that take a long way: small networks spend their time in these. */
export function takeShortcuts(): void {
  multiplyPlainMatrices();
  passUnchangedThrough();
}

/**
 * Products of two matrices by `MatMul` instead of `BatchMatMulV2`: 8 microseconds instead of 40 to 90 for small ones, the same for
 * large ones.
 */
function multiplyPlainMatrices(): void {
  const builtIn = tf.getKernel('BatchMatMul', 'tensorflow');
  replaceKernel({
    ...builtIn,
    kernelFunc: (args) => {
      const { a, b } = args.inputs as { a: tf.TensorInfo; b: tf.TensorInfo };
      if (a.shape.length !== 2 || b.shape.length !== 2) return builtIn.kernelFunc(args);
      const native = args.backend as unknown as GraphBackend;
      const { transposeA, transposeB } = args.attrs as { transposeA: boolean; transposeB: boolean };
      const attributes = [
        { name: 'T', type: attributeTypes.type, value: native.getDTypeInteger(a.dtype) },
        { name: 'transpose_a', type: attributeTypes.bool, value: transposeA },
        { name: 'transpose_b', type: attributeTypes.bool, value: transposeB },
      ];
      return native.executeSingleOutput('MatMul', attributes, [a, b]);
    },
  });
}

/**
 * A cast to the type and a reshape to the shape that a tensor has already share its data: the gradients of tfjs-core are full of
 * them.
 */
function passUnchangedThrough(): void {
  replaceKernel(unlessUnchanged('Cast', (x, { dtype }) => x.dtype === dtype));
  replaceKernel(unlessUnchanged('Reshape', (x, { shape }) => tf.util.arraysEqual(x.shape, shape as number[])));
}

function unlessUnchanged(
  name: 'Cast' | 'Reshape',
  unchanged: (x: tf.TensorInfo, attributes: Record<string, unknown>) => boolean,
): tf.KernelConfig {
  const builtIn = tf.getKernel(name, 'tensorflow');
  const identity = tf.getKernel('Identity', 'tensorflow');
  return {
    ...builtIn,
    kernelFunc: (args) => {
      const { x } = args.inputs as { x: tf.TensorInfo };
      return unchanged(x, args.attrs!) ? identity.kernelFunc(args) : builtIn.kernelFunc(args);
    },
  };
}
