import * as tf from '@tensorflow/tfjs-core';
import { attributeTypes, type GraphBackend } from '../compile/backend.ts';
import { replaceKernel } from '../composed-kernel.ts';

interface GradientAttributes {
  alignCorners: boolean;
  halfPixelCenters: boolean;
}

/** Gradients of resizing with `halfPixelCenters`, which TensorFlow knows and tfjs-node's JavaScript does not hand over. */
export function correctResizeGradients(): void {
  replaceKernel(resizeGradient('ResizeBilinearGrad', (images) => images));
  replaceKernel(
    resizeGradient('ResizeNearestNeighborGrad', ({ shape }) => tf.tensor1d([shape[1]!, shape[2]!], 'int32')),
  );
}

/** @param size what the operation learns the size of the images from */
function resizeGradient(kernelName: string, size: (images: tf.Tensor) => tf.Tensor): tf.KernelConfig {
  return {
    kernelName,
    backendName: 'tensorflow',
    kernelFunc: ({ inputs, attrs, backend }) => {
      const native = backend as unknown as GraphBackend;
      const { images, dy } = inputs as { images: tf.Tensor; dy: tf.Tensor };
      const { alignCorners, halfPixelCenters } = attrs as unknown as GradientAttributes;
      const attributes = [
        { name: 'T', type: attributeTypes.type, value: native.getDTypeInteger(images.dtype) },
        { name: 'align_corners', type: attributeTypes.bool, value: alignCorners },
        { name: 'half_pixel_centers', type: attributeTypes.bool, value: halfPixelCenters },
      ];
      return tf.tidy(() => native.executeSingleOutput(kernelName, attributes, [dy, size(images)]));
    },
  };
}
