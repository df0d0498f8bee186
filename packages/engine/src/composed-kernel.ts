import * as tf from '@tensorflow/tfjs-core';

/** The inputs and attributes of a kernel; the operations and gradients of tfjs-core hand over tensors, not bare handles. */
interface KernelArguments<Inputs extends string, Attributes> {
  inputs: Record<Inputs, tf.Tensor>;
  attrs: Attributes;
}

/** A kernel composed of other operations: they run untaped, inside the kernel, and their intermediates die with it. */
export function composedKernel<Inputs extends string, Attributes>(
  backendName: 'cpu' | 'tensorflow' | 'wasm' | 'webgl' | 'webgpu',
  kernelName: string,
  compute: (inputs: Record<Inputs, tf.Tensor>, attributes: Attributes) => tf.Tensor,
): tf.KernelConfig {
  return {
    kernelName,
    backendName,
    kernelFunc: (args) => {
      const { inputs, attrs } = args as unknown as KernelArguments<Inputs, Attributes>;
      return tf.tidy(() => compute(inputs, attrs));
    },
  };
}

/** Runs a kernel that another one replaces or is made of. */
export function runBuiltIn(kernel: tf.KernelConfig, inputs: Record<string, tf.Tensor>, attributes: object): tf.Tensor {
  const attrs = attributes as tf.NamedAttrMap;
  const result = kernel.kernelFunc({ inputs, attrs, backend: tf.backend() }) as tf.TensorInfo | tf.Tensor;
  return 'rank' in result ? result : tf.engine().makeTensorFromTensorInfo(result);
}

/** Registers a kernel in the place of the one that the backend brought along. */
export function replaceKernel(kernel: tf.KernelConfig): void {
  const { setupFunc, disposeFunc } = tf.getKernel(kernel.kernelName, kernel.backendName);
  tf.unregisterKernel(kernel.kernelName, kernel.backendName);
  tf.registerKernel({ ...kernel, ...(setupFunc && { setupFunc }), ...(disposeFunc && { disposeFunc }) });
}
