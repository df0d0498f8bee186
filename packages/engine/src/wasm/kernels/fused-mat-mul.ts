import * as tf from '@tensorflow/tfjs-core';
import { composedKernel } from '../../composed-kernel.ts';

type Inputs = 'a' | 'b' | 'bias' | 'preluActivationWeights';

interface FusedAttributes {
  transposeA: boolean;
  transposeB: boolean;
  activation: tf.fused.Activation;
  leakyreluAlpha?: number;
}

/**
 * Matrix products with bias and activation in one: right, and fast, in the built-in kernel for a single product of two
 * untransposed matrices. For transposed or stacked matrices its plain loops begin at other biases than those of the column, so
 * these are composed of the product, the sum and the activation.
 */
export function fusedMatMul(builtIn: tf.KernelConfig): tf.KernelConfig {
  const composed = composedKernel<Inputs, FusedAttributes>(
    'wasm',
    '_FusedMatMul',
    ({ a, b, bias, preluActivationWeights }, { transposeA, transposeB, activation, leakyreluAlpha }) => {
      const product = tf.matMul(a, b, transposeA, transposeB);
      const sum = (bias as tf.Tensor | undefined) === undefined ? product : tf.add(product, bias);
      return tf.backend_util.applyActivation(sum, activation, preluActivationWeights, leakyreluAlpha);
    },
  );
  return {
    ...builtIn,
    kernelFunc: (args) => (isPlain(args) ? builtIn : composed).kernelFunc(args),
  };
}

/** One product of two matrices as they are, with a bias for each column. tfjs-core makes stacks of all matrices. */
function isPlain({ inputs, attrs }: Parameters<tf.KernelFunc>[0]): boolean {
  const { a, b, bias } = inputs as unknown as Record<Inputs, tf.TensorInfo | undefined>;
  const { transposeA, transposeB } = attrs as unknown as FusedAttributes;
  const columns = b!.shape.at(-1)!;
  return (
    [a!, b!].every(({ shape }) => shape[0] === 1) &&
    !transposeA &&
    !transposeB &&
    (bias === undefined || (bias.shape.length === 1 && bias.shape[0] === columns))
  );
}
