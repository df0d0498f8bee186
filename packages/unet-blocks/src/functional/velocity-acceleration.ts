import * as tf from '@tensorflow/tfjs-core';
import { hasKernel, isTaping } from '@missing-u/autodiff';

/** A convolution's result and the bias that is still to be added to it. */
export interface Unbiased {
  output: tf.Tensor4D;
  bias: tf.Tensor1D;
}

/** Whether {@link velocityAcceleration} can be called: the engine has the kernel, and no gradient is on its way. */
export function hasVelocityAcceleration(): boolean {
  return hasKernel('VelocityAcceleration') && !isTaping();
}

/**
 * The derivative [v, a] of the state [x, v], [N, H, W, C], in one pass over the memory, with the acceleration a = branch +
 * residual, each [N, H, W, C / 2], the branch cut at zero with `relu`: to the digit what single operations give. It has no
 * gradient, for which its parts are needed.
 */
export function velocityAcceleration(
  branch: Unbiased,
  residual: Unbiased,
  state: tf.Tensor4D,
  relu: boolean,
): tf.Tensor4D {
  const inputs = {
    branch: branch.output,
    bias: branch.bias,
    residual: residual.output,
    shift: residual.bias,
    state,
  };
  return tf.engine().runKernel<tf.Tensor4D>('VelocityAcceleration', inputs, { relu });
}
