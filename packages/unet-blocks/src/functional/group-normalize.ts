import * as tf from '@tensorflow/tfjs-core';
import { hasKernel, isTaping } from '@missing-u/autodiff';
import { pixelMeans } from './channel-means.ts';

/**
 * Group normalisation with scale and shift: y = (x - mean) / √(variance + ε) · scale + shift, mean and (biased) variance
 * over the pixels and channels of a group of one image. As many groups as channels is instance normalisation.
 *
 * The scale and shift may differ from image to image, so FiLM costs nothing extra. It has its own gradient (in x, scale and
 * shift): taped op by op, half of a U-Net's training step would be normalisation.
 *
 * @param x images, NHWC
 * @param scale [1, 1, 1, C] or [N, 1, 1, C]
 * @param shift the same shape as `scale`
 * @param groups a divisor of C
 * @param epsilon ε
 */
export function groupNormalize(
  x: tf.Tensor4D,
  scale: tf.Tensor4D,
  shift: tf.Tensor4D,
  groups: number,
  epsilon: number,
): tf.Tensor4D {
  const op = tf.customGrad((...args) => {
    const [image, factor, offset, save] = args as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D, tf.GradSaveFunc];
    save([image, factor]);
    const value = normalize(image, factor, offset, groups, epsilon);
    // Everything is computed again from the inputs, which keeps the tape small and second derivatives right.
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) =>
      gradients(saved[0] as tf.Tensor4D, saved[1] as tf.Tensor4D, dy as tf.Tensor4D, groups, epsilon);
    return { value, gradFunc };
  });
  return op(x, scale, shift);
}

function normalize(
  x: tf.Tensor4D,
  scale: tf.Tensor4D,
  shift: tf.Tensor4D,
  groups: number,
  epsilon: number,
): tf.Tensor4D {
  if (hasKernel('GroupNormalize')) {
    return tf.engine().runKernel('GroupNormalize', { x, scale, shift }, { groups, epsilon });
  }
  const { centred, inverse } = statistics(x, groups, epsilon);
  return tf.add(tf.mul(centred, tf.mul(inverse, scale)), shift);
}

/** x - mean, [N, H, W, C], and 1/√(variance + ε) of each channel's group, [N, 1, 1, C]. */
function statistics(x: tf.Tensor4D, groups: number, epsilon: number): { centred: tf.Tensor4D; inverse: tf.Tensor4D } {
  const groupMeans = meansOfGroups(x.shape[3], groups);
  const centred: tf.Tensor4D = tf.sub(x, groupMeans(pixelMeans(x)));
  const variance = groupMeans(pixelMeans(tf.mul(centred, centred)));
  return { centred, inverse: tf.rsqrt(tf.add(variance, epsilon)) };
}

/** Replaces each channel's value by the mean of its group: [N, 1, 1, C]. */
function meansOfGroups(channels: number, groups: number): (values: tf.Tensor4D) => tf.Tensor4D {
  if (groups === channels) return (values) => values;
  // One small matrix product instead of a mean and a repetition: there are two of them per norm, and they are all overhead.
  const size = channels / groups;
  const average = tf.fill<tf.Rank.R2>([size, size], 1 / size);
  return (values) => {
    const rows = tf.reshape<tf.Rank.R2>(values, [values.shape[0] * groups, size]);
    return tf.reshape<tf.Rank.R4>(tf.matMul(rows, average), values.shape);
  };
}

/** With x̂ = (x - mean) / σ: dshift = Σ dy, dscale = Σ dy·x̂, dx = (s·dy - mean(s·dy) - x̂·mean(s·dy·x̂)) / σ. */
function gradients(x: tf.Tensor4D, scale: tf.Tensor4D, dy: tf.Tensor4D, groups: number, epsilon: number) {
  // One kernel has no gradient of its own: where a second derivative is on its way, usual operations have.
  if (hasKernel('GroupNormalizeGrad') && !isTaping()) {
    return tf.engine().runKernel<tf.Tensor[]>('GroupNormalizeGrad', { x, scale, dy }, { groups, epsilon });
  }
  const [n, height, width] = x.shape;
  const { centred, inverse } = statistics(x, groups, epsilon);
  const shiftMeans = pixelMeans(dy);
  const scaleMeans: tf.Tensor4D = tf.mul(pixelMeans(tf.mul(dy, centred)), inverse);
  const groupMeans = meansOfGroups(x.shape[3], groups);
  const meanOfGradient = tf.mul(groupMeans(tf.mul(shiftMeans, scale)), inverse);
  const meanOfProduct = groupMeans(tf.mul(scaleMeans, scale));
  const dx = tf.sub(
    tf.sub(tf.mul(dy, tf.mul(inverse, scale)), meanOfGradient),
    tf.mul(centred, tf.mul(tf.mul(inverse, inverse), meanOfProduct)),
  );
  const collect = (means: tf.Tensor4D) => tf.mul(scale.shape[0] === n ? means : tf.sum(means, 0, true), height * width);
  return [dx, collect(scaleMeans), collect(shiftMeans)];
}
