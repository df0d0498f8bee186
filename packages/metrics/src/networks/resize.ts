import * as tf from '@tensorflow/tfjs-core';
import { unknownName } from '@missing-u/errors';
import { MetricError, refuse } from '../errors.ts';
import { mapSeparably, toPlanes } from '../tensors/batch.ts';

/** How pictures are brought to the network's size and range; the words are clean-fid's. */
export type ResizeMode = keyof typeof modes;

/** The side that Inception was trained on. */
const side = 299;

interface Mode {
  /** The weights of one output of a line: the first input, and the weight of it and of those behind it. */
  readonly line: Line;
  /** From [0, 1] to the network's range. */
  readonly scale: (x: tf.Tensor4D) => tf.Tensor;
}

const toTensorFlow = (x: tf.Tensor4D) => tf.mul(tf.sub(tf.mul(x, 255), 128), 1 / 128);

const modes = {
  /** torch's bilinear with half pixels and without antialiasing, then 2x - 1. */
  legacy_pytorch: { line: bilinear(0.5), scale: (x) => tf.sub(tf.mul(x, 2), 1) },
  /** TensorFlow 1's bilinear, source = index * in / out, then (255x - 128) / 128. */
  legacy_tensorflow: { line: bilinear(0), scale: toTensorFlow },
  /** PIL's bicubic, whose support grows with the ratio, clipped but not rounded; then (255x - 128) / 128. */
  clean: { line: pilBicubic, scale: (x) => toTensorFlow(tf.clipByValue(x, 0, 1)) },
} satisfies Record<string, Mode>;

/**
 * Pictures as the network wants them: [n, 299, 299, 3].
 *
 * @param images [n, height, width, 3 or 1], int32 in 0 .. 255 or float32 in [0, 1]
 */
export function resizeForInception(images: tf.Tensor4D, mode: ResizeMode): tf.Tensor4D {
  if (!Object.hasOwn(modes, mode))
    throw new MetricError('METRIC_BAD_ARGUMENT', unknownName('mode', mode, Object.keys(modes)));
  const channels = images.shape[3];
  if (images.shape.length !== 4 || (channels !== 3 && channels !== 1)) {
    refuse({ argument: 'images', value: images, allowed: 'a tensor [n, height, width, 3 or 1]' });
  }
  return tf.tidy(() => {
    const unit = images.dtype === 'int32' ? tf.div(tf.cast(images, 'float32'), 255) : images;
    const { line, scale }: Mode = modes[mode];
    const sized = scale(resize(unit as tf.Tensor4D, line)) as tf.Tensor4D;
    return channels === 1 ? tf.concat([sized, sized, sized], 3) : sized;
  });
}

type Line = (i: number, ratio: number, inputs: number) => { first: number; weights: number[] };

/**
 * A separable resize as two matrix products. Engines have bilinear resizes too, but compute positions in float32, which moves
 * features by more than they should differ between engines.
 */
function resize(x: tf.Tensor4D, line: Line): tf.Tensor4D {
  const [images, height, width, channels] = x.shape;
  if (height === side && width === side) return x;
  const planes = mapSeparably(toPlanes(x), resizeMatrix(height, line), resizeMatrix(width, line));
  return tf.transpose(tf.reshape(planes, [images, channels, side, side]), [0, 2, 3, 1]);
}

function resizeMatrix(inputs: number, line: Line): tf.Tensor2D {
  const matrix = new Float32Array(side * inputs);
  for (let i = 0; i < side; i++) {
    const { first, weights } = line(i, inputs / side, inputs);
    weights.forEach((weight, k) => (matrix[i * inputs + first + k] = weight));
  }
  return tf.tensor2d(matrix, [side, inputs]);
}

/** Two neighbours; positions are of pixels whose middle lies at `offset`. */
function bilinear(offset: 0 | 0.5): Line {
  return (i, ratio, inputs) => {
    const position = Math.max((i + offset) * ratio - offset, 0);
    const first = Math.min(Math.floor(position), inputs - 1);
    if (first === inputs - 1) return { first, weights: [1] };
    return { first, weights: [1 - (position - first), position - first] };
  };
}

/** Pillow's antialiased bicubic filter, `precompute_coeffs` of its Resample.c. */
function pilBicubic(i: number, ratio: number, inputs: number): ReturnType<Line> {
  const stretch = Math.max(ratio, 1);
  const support = 2 * stretch;
  const centre = (i + 0.5) * ratio;
  const first = Math.max(Math.trunc(centre - support + 0.5), 0);
  const end = Math.min(Math.trunc(centre + support + 0.5), inputs);
  const weights = Array.from({ length: end - first }, (_, k) => cubic((first + k - centre + 0.5) / stretch));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return { first, weights: weights.map((weight) => weight / sum) };
}

/** Keys' cubic with a = -0.5. */
function cubic(x: number): number {
  const [a, d] = [-0.5, Math.abs(x)];
  if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? (((d - 5) * d + 8) * d - 4) * a : 0;
}
