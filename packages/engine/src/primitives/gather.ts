import * as tf from '@tensorflow/tfjs-core';
import { attributeTypes, type GraphBackend } from '../compile/backend.ts';

/**
 * `tf.gather` without the look at the indices that the native backend takes before it runs the operation, which checks them
 * itself: reading values waits for the engine, and cannot be recorded. Axes may be counted from the last one, too.
 */
export const gather: tf.KernelConfig = {
  kernelName: 'GatherV2',
  backendName: 'tensorflow',
  kernelFunc: ({ inputs, backend, attrs }) => {
    const native = backend as unknown as GraphBackend;
    const { x, indices } = inputs as { x: tf.Tensor; indices: tf.Tensor };
    const { axis: given, batchDims } = attrs as { axis: number; batchDims: number };
    const [axis] = tf.util.parseAxisParam(given, x.shape) as [number];
    tf.backend_util.segment_util.collectGatherOpShapeInfo(x, indices, axis, batchDims);
    const type = (name: string, dtype: tf.DataType) => ({
      name,
      type: attributeTypes.type,
      value: native.getDTypeInteger(dtype),
    });
    const axisTensor = tf.scalar(axis, 'int32');
    const attributes = [
      { name: 'batch_dims', type: attributeTypes.int, value: batchDims },
      type('Tparams', x.dtype),
      type('Tindices', indices.dtype),
      type('Taxis', 'int32'),
    ];
    const result = native.executeSingleOutput('GatherV2', attributes, [x, indices, axisTensor]);
    axisTensor.dispose();
    return result;
  },
};
