import * as tf from '@tensorflow/tfjs-core';
import { composedKernel, replaceKernel } from './composed-kernel.ts';

interface ResizeAttributes {
  alignCorners: boolean;
  halfPixelCenters: boolean;
}

type Engine = 'cpu' | 'wasm' | 'webgl' | 'webgpu';

/** Pixels of the source and what each contributes to a pixel of the result. */
type Weights = (
  position: number,
  length: number,
  attributes: ResizeAttributes,
) => (readonly [pixel: number, weight: number])[];

/**
 * Resizing multiplies rows and columns by one matrix each, so its gradient multiplies by the transposed ones. The built-in
 * cpu gradients are wrong: of `resizeNearestNeighbor` for batches and for fewer pixels, of `resizeBilinear` for images that
 * are not square. Those of wasm, webgl and webgpu take no account of `halfPixelCenters`.
 */
export function correctResizeGradients(backendName: Engine): void {
  for (const [name, weights] of Object.entries({
    ResizeNearestNeighborGrad: nearest,
    ResizeBilinearGrad: bilinear,
  })) {
    const builtIn = tf.getKernel(name, backendName);
    const byMatrices = resizeGradient(backendName, name, weights);
    replaceKernel({
      ...builtIn,
      kernelFunc: (args) => {
        const right = backendName !== 'cpu' && args.attrs!['halfPixelCenters'] !== true;
        return (right ? builtIn : byMatrices).kernelFunc(args);
      },
    });
  }
}

function resizeGradient(backendName: Engine, kernelName: string, weights: Weights): tf.KernelConfig {
  return composedKernel<'images' | 'dy', ResizeAttributes>(backendName, kernelName, ({ images, dy }, attributes) => {
    const [n, height, width, channels] = images.shape as [number, number, number, number];
    const [, outHeight, outWidth] = dy.shape as [number, number, number, number];
    const rows = matrix(height, outHeight, attributes, weights);
    const columns = matrix(width, outWidth, attributes, weights);
    const byRow = tf.matMul(rows, tf.reshape(dy, [n, outHeight, outWidth * channels]), true); // [N, H, w * C]
    const lines = tf.reshape(byRow, [n * height, outWidth, channels]);
    return tf.reshape(tf.matMul(columns, lines, true), [n, height, width, channels]);
  });
}

/** The resizing of one axis as a matrix [outLength, length]. */
function matrix(length: number, outLength: number, attributes: ResizeAttributes, weights: Weights): tf.Tensor3D {
  const scale = attributes.alignCorners && outLength > 1 ? (length - 1) / (outLength - 1) : length / outLength;
  const values = new Float32Array(outLength * length);
  for (let i = 0; i < outLength; i++) {
    const position = attributes.halfPixelCenters ? scale * (i + 0.5) : scale * i;
    for (const [pixel, weight] of weights(position, length, attributes)) values[i * length + pixel]! += weight;
  }
  return tf.tensor3d(values, [1, outLength, length]);
}

const nearest: Weights = (position, length, { alignCorners }) => {
  const pixel = alignCorners ? Math.round(position) : Math.floor(position);
  return [[Math.min(length - 1, pixel), 1]];
};

const bilinear: Weights = (position, length, { halfPixelCenters }) => {
  const exact = Math.max(0, halfPixelCenters ? position - 0.5 : position);
  const lower = Math.min(length - 1, Math.floor(exact));
  const upper = Math.min(length - 1, lower + 1);
  return [
    [lower, 1 - (exact - lower)],
    [upper, exact - lower],
  ];
};
