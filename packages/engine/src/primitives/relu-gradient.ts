import * as tf from '@tensorflow/tfjs-core';
import { attributeTypes, type GraphBackend } from '../compile/backend.ts';

/** dy where x > 0, and 0 elsewhere, by the native engine's operation of that name. */
const kernel: tf.KernelConfig = {
  kernelName: 'ReluGrad',
  backendName: 'tensorflow',
  kernelFunc: ({ inputs, backend }) => {
    const native = backend as unknown as GraphBackend;
    const { dy, x } = inputs as { dy: tf.Tensor; x: tf.Tensor };
    const type = { name: 'T', type: attributeTypes.type, value: native.getDTypeInteger(dy.dtype) };
    return native.executeSingleOutput('ReluGrad', [type], [dy, x]);
  },
};

/** Its own gradient, for second derivatives: linear in dy, and flat in x. */
const gradient: tf.GradConfig = {
  kernelName: 'ReluGrad',
  inputsToSave: ['x'],
  gradFunc: (ddy, saved) => {
    const x = saved[0]!;
    return { dy: () => reluGradient(ddy as tf.Tensor, x), x: () => tf.zerosLike(x) };
  },
};

/** tfjs composes the gradient of relu of six operations over the whole image; here it is one where the engine has it. */
const gradientOfRelu: tf.GradConfig = {
  kernelName: 'Relu',
  inputsToSave: ['x'],
  gradFunc: (dy, saved) => ({ x: () => reluGradient(dy as tf.Tensor, saved[0]!) }),
};

function reluGradient(dy: tf.Tensor, x: tf.Tensor): tf.Tensor {
  // A union that holds: the registry answers undefined where an engine lacks a kernel, which its type does not say.
  const known = tf.getKernel('ReluGrad', tf.getBackend()) as tf.KernelConfig | undefined;
  if (known === undefined) return tf.mul(dy, tf.cast(tf.step(x), 'float32'));
  return tf.engine().runKernel<tf.Tensor>('ReluGrad', { dy, x });
}

/** Registers the leaner gradient of relu. */
export function registerReluGradient(): void {
  tf.registerKernel(kernel);
  tf.registerGradient(gradient);
  tf.unregisterGradient('Relu');
  tf.registerGradient(gradientOfRelu);
}
