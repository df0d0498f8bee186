import * as tf from '@tensorflow/tfjs-core';

/**
 * The gradient of the gradient of a convolution by its filter, which tfjs has for no engine; second derivatives and products
 * with Jacobians need it. That gradient is linear in the image and in dy, so what comes back is a convolution of the image
 * with the cotangent, and for the image its transpose.
 */
export const conv2dBackpropFilterGradient: tf.GradConfig = {
  kernelName: 'Conv2DBackpropFilter',
  inputsToSave: ['x', 'dy'],
  gradFunc: (cotangent, saved, attributes) => {
    const [x, dy] = saved as [tf.Tensor, tf.Tensor];
    const filter = cotangent as tf.Tensor;
    const { strides, pad, dataFormat, dimRoundingMode } = attributes;
    const geometry = { strides, pad, dataFormat, dimRoundingMode } as tf.NamedAttrMap;
    const run = (kernel: string, inputs: tf.NamedTensorMap, attrs: tf.NamedAttrMap) =>
      tf.engine().runKernel<tf.Tensor>(kernel, inputs, attrs);
    return {
      x: () => run('Conv2DBackpropInput', { dy, filter }, { ...geometry, inputShape: x.shape }),
      dy: () => run('Conv2D', { x, filter }, { ...geometry, dilations: 1 }),
    };
  },
};
