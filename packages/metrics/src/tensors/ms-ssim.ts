import * as tf from '@tensorflow/tfjs-core';
import { checkScales, resolveMultiscale, type MultiscaleOptions } from '../images/multiscale-structural-similarity.ts';
import { checkBatches, meanOfChannels } from './batch.ts';
import { preparedPlanes, similarityOfPlanes, thinOutPlanes } from './ssim.ts';

/** Where a negative term has become zero, its power has no derivative; this far above zero it has one. */
const smallest = 1e-8;

/**
 * Multi-scale structural similarity of each pair of pictures, in float32 and differentiable:
 * `multiscaleStructuralSimilarity` for batches.
 *
 * @param a pictures [images, height, width, channels], of any numbers that `dataRange` describes; as `b`.
 * @returns [images], 1 for equal pictures
 * @throws MetricError as `ssim`
 */
export function msSsim(a: tf.Tensor4D, b: tf.Tensor4D, options: MultiscaleOptions): tf.Tensor1D {
  const { setting, weights } = resolveMultiscale(options);
  checkBatches(a, b, options);
  const [images, height, width] = a.shape;
  checkScales({ width, height }, setting, weights.length);
  return tf.tidy(() => {
    let [x, y] = [a, b].map((batch) => preparedPlanes(batch, options.dataRange, setting)) as [tf.Tensor4D, tf.Tensor4D];
    let product: tf.Tensor = tf.ones([x.shape[0]]);
    for (const [scale, weight] of weights.entries()) {
      const { map, contrast } = similarityOfPlanes(x, y, options.dataRange, setting);
      const last = scale === weights.length - 1;
      const term = tf.maximum(tf.mean(last ? map : contrast, [1, 2, 3]), smallest);
      product = tf.mul(product, tf.pow(term, weight));
      if (!last) [x, y] = [thinOutPlanes(x, 2), thinOutPlanes(y, 2)];
    }
    return meanOfChannels(product, images);
  });
}
