import * as tf from '@tensorflow/tfjs-core';
import { replaceAveragePoolGradient } from '../../average-pool.ts';
import { replaceKernel } from '../../composed-kernel.ts';
import { allowNegativeAxes } from '../../cumulative-axes.ts';
import { convolveNothing } from '../../empty-convolutions.ts';
import { reduceNothing } from '../../empty-reductions.ts';
import { allowLongStrides } from '../../long-strides.ts';
import { correctNumericPadding } from '../../numeric-padding.ts';
import { correctResizeGradients } from '../../resize-gradients.ts';
import { refuseImpossibleWindows } from '../../window-checks.ts';
import { batchMatMul } from './batch-mat-mul.ts';
import { clipByValue } from './clip-by-value.ts';
import { conv2dBackpropFilter } from './conv2d-backprop-filter.ts';
import { conv2dBackpropInput } from './conv2d-backprop-input.ts';
import { withExplicitPadding } from './conv2d.ts';
import { conv3dBackpropFilter, conv3dBackpropInput } from './conv3d-backprop.ts';
import { depthwiseBackpropFilter, depthwiseBackpropInput } from './depthwise-backprop.ts';
import { dilation2d, dilation2dKernels } from './dilation2d.ts';
import { einsum } from './einsum.ts';
import { fusedMatMul } from './fused-mat-mul.ts';
import { cast, identity } from './identity.ts';
import { maxPoolGrad } from './max-pool-grad.ts';
import { maxPoolWithArgmax } from './max-pool-with-argmax.ts';
import { packedByShape } from './packed-weights.ts';
import { slice, splitV, unpack } from './slice.ts';
import { unsortedSegmentSum } from './unsorted-segment-sum.ts';

/** What the wasm backend lacks; left alone where a later release of it brings its own. */
const missing = [conv2dBackpropFilter, depthwiseBackpropFilter, depthwiseBackpropInput, einsum, unsortedSegmentSum];

let registered = false;

/** Completes the kernels of the wasm backend for training, and replaces those that are slow or wrong. */
export function registerWasmKernels(): void {
  if (registered) return;
  registered = true;
  for (const kernel of missing) {
    if (tf.getKernel(kernel.kernelName, 'wasm') === undefined) tf.registerKernel(kernel);
  }
  const replacements = [conv2dBackpropInput, conv3dBackpropFilter, conv3dBackpropInput, maxPoolGrad, maxPoolWithArgmax];
  for (const kernel of [...replacements, splitV, unpack]) replaceKernel(kernel);
  replaceAveragePoolGradient('wasm');
  const copy = tf.getKernel('Identity', 'wasm');
  for (const name of ['BatchMatMul', '_FusedMatMul']) replaceKernel(packedByShape(tf.getKernel(name, 'wasm'), copy));
  replaceKernel(identity(copy));
  replaceKernel(cast(tf.getKernel('Cast', 'wasm')));
  replaceKernel(slice(tf.getKernel('Slice', 'wasm')));
  replaceKernel(batchMatMul(tf.getKernel('BatchMatMul', 'wasm')));
  replaceKernel(fusedMatMul(tf.getKernel('_FusedMatMul', 'wasm')));
  for (const name of ['Conv2D', 'FusedConv2D', 'DepthwiseConv2dNative', 'FusedDepthwiseConv2D']) {
    replaceKernel(withExplicitPadding(tf.getKernel(name, 'wasm')));
  }
  for (const name of dilation2dKernels) replaceKernel(dilation2d(tf.getKernel(name, 'wasm')));
  replaceKernel(clipByValue(tf.getKernel('ClipByValue', 'wasm')));
  allowLongStrides('wasm');
  allowNegativeAxes('wasm');
  correctResizeGradients('wasm');
  correctNumericPadding('wasm');
  reduceNothing('wasm');
  convolveNothing('wasm');
  refuseImpossibleWindows('wasm');
}
