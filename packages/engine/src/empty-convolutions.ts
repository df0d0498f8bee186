import * as tf from '@tensorflow/tfjs-core';
import { composedKernel, replaceKernel } from './composed-kernel.ts';
import { writtenOut, type Pad } from './numeric-padding.ts';

type Shape4D = [number, number, number, number];
type Shape5D = [number, number, number, number, number];
type PerAxis2D = number | [number, number];
type PerAxis3D = number | [number, number, number];
type Inputs = Record<'x' | 'filter' | 'dy', tf.Tensor> & { bias?: tf.Tensor; preluActivationWeights?: tf.Tensor };

interface ConvolutionAttributes {
  strides: unknown;
  pad: Pad;
  dilations?: unknown;
  dataFormat?: 'NHWC' | 'NCHW';
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
  activation?: tf.fused.Activation;
  leakyreluAlpha?: number;
  inputShape: number[];
  filterShape: number[];
}

type Compute = (inputs: Inputs, attributes: ConvolutionAttributes) => tf.Tensor;

const inputGradient: Compute = (_, { inputShape }) => tf.zeros(inputShape);
const filterGradient: Compute = (_, { filterShape }) => tf.zeros(filterShape);

/** What convolutions amount to whose sums have no terms, or that have no results. */
const ofNothing: Record<string, Compute> = {
  Conv2D: (inputs, attributes) => zeros2D(inputs, attributes, false),
  FusedConv2D: (inputs, attributes) => finished(zeros2D(inputs, attributes, false), inputs, attributes),
  Conv2DBackpropInput: inputGradient,
  Conv2DBackpropFilter: filterGradient,
  DepthwiseConv2dNative: (inputs, attributes) => zeros2D(inputs, attributes, true),
  FusedDepthwiseConv2D: (inputs, attributes) => finished(zeros2D(inputs, attributes, true), inputs, attributes),
  DepthwiseConv2dNativeBackpropInput: inputGradient,
  DepthwiseConv2dNativeBackpropFilter: filterGradient,
  Conv3D: ({ x, filter }, { strides, dilations, pad }) => {
    const [shape, window] = [x.shape as Shape5D, filter.shape as Shape5D];
    const [steps, rates] = [strides as PerAxis3D, (dilations ?? 1) as PerAxis3D];
    const amount = pad as Exclude<Pad, tf.backend_util.ExplicitPadding>;
    return tf.zeros(tf.backend_util.computeConv3DInfo(shape, window, steps, rates, amount).outShape, x.dtype);
  },
  Conv3DBackpropInputV2: inputGradient,
  Conv3DBackpropFilterV2: filterGradient,
};

/**
 * Makes convolutions right that have no images, no pixels, no channels or no filters. wasm leaves their results as memory that
 * nobody wrote, or breaks off; TensorFlow refuses them, and gives those of no images the shape of the images, so that what
 * follows (a bias, a gradient) fails.
 */
export function convolveNothing(backendName: 'wasm' | 'tensorflow'): void {
  for (const [name, compute] of Object.entries(ofNothing)) {
    const kernel = tf.getKernel(name, backendName);
    const empty = composedKernel(backendName, name, compute);
    replaceKernel({
      ...kernel,
      kernelFunc: (args) => {
        const { x, filter, dy } = args.inputs;
        return (isEmpty(x) || isEmpty(filter) || isEmpty(dy) ? empty : kernel).kernelFunc(args);
      },
    });
  }
}

function isEmpty(tensor: tf.TensorInfo | undefined): boolean {
  return tensor?.shape.includes(0) === true;
}

function zeros2D({ x, filter }: Inputs, attributes: ConvolutionAttributes, depthwise: boolean): tf.Tensor {
  const { strides, dilations, pad, dimRoundingMode, dataFormat = 'NHWC' } = attributes;
  const info = tf.backend_util.computeConv2DInfo(
    x.shape as Shape4D,
    filter.shape as Shape4D,
    strides as PerAxis2D,
    (dilations ?? 1) as PerAxis2D,
    writtenOut(pad, dataFormat),
    dimRoundingMode,
    depthwise,
    tf.backend_util.convertConv2DDataFormat(dataFormat),
  );
  return tf.zeros(info.outShape, x.dtype);
}

/** With the bias and the activation of a fused convolution. */
function finished(
  zeros: tf.Tensor,
  { bias, preluActivationWeights }: Inputs,
  { activation = 'linear', leakyreluAlpha }: ConvolutionAttributes,
): tf.Tensor {
  const sum = bias === undefined ? zeros : tf.add(zeros, bias);
  return tf.backend_util.applyActivation(sum, activation, preluActivationWeights, leakyreluAlpha);
}
