import * as tf from '@tensorflow/tfjs-core';
import { composedKernel, replaceKernel } from '../composed-kernel.ts';
import { writtenOut, type Pad } from '../numeric-padding.ts';

type Shape4D = [number, number, number, number];
type Shape5D = [number, number, number, number, number];
type PerAxis2D = number | [number, number];
type PerAxis3D = number | [number, number, number];

interface ConvolutionAttributes<PerAxis> {
  strides: PerAxis;
  pad: Pad;
  dilations?: PerAxis | null;
  dataFormat?: 'NHWC' | 'NCHW';
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/**
 * Makes convolutions of no images right, whose results TensorFlow's operations give the shape of the images, so that what
 * follows (a bias, a gradient) fails.
 */
export function allowEmptyBatches(): void {
  for (const name of ['Conv2D', 'FusedConv2D']) replaceWhereEmpty(name, shapeOf2D(false));
  for (const name of ['DepthwiseConv2dNative', 'FusedDepthwiseConv2D']) replaceWhereEmpty(name, shapeOf2D(true));
  replaceWhereEmpty<Shape5D, PerAxis3D>('Conv3D', (x, filter, { strides, dilations, pad }) => {
    const amount = pad as Exclude<Pad, tf.backend_util.ExplicitPadding>;
    return tf.backend_util.computeConv3DInfo(x, filter, strides, dilations ?? 1, amount).outShape;
  });
}

type ResultShape<Shape, PerAxis> = (x: Shape, filter: Shape, attributes: ConvolutionAttributes<PerAxis>) => number[];

function shapeOf2D(depthwise: boolean): ResultShape<Shape4D, PerAxis2D> {
  return (x, filter, { strides, dilations, pad, dimRoundingMode, dataFormat = 'NHWC' }) =>
    tf.backend_util.computeConv2DInfo(
      x,
      filter,
      strides,
      dilations ?? 1,
      writtenOut(pad, dataFormat),
      dimRoundingMode,
      depthwise,
      tf.backend_util.convertConv2DDataFormat(dataFormat),
    ).outShape;
}

function replaceWhereEmpty<Shape, PerAxis>(name: string, shapeOf: ResultShape<Shape, PerAxis>): void {
  const builtIn = tf.getKernel(name, 'tensorflow');
  const ofNothing = composedKernel<'x' | 'filter', ConvolutionAttributes<PerAxis>>(
    'tensorflow',
    name,
    ({ x, filter }, attributes) => tf.zeros(shapeOf(x.shape as Shape, filter.shape as Shape, attributes), x.dtype),
  );
  replaceKernel({
    ...builtIn,
    kernelFunc: (args) => (args.inputs['x']!.shape[0] === 0 ? ofNothing : builtIn).kernelFunc(args),
  });
}
