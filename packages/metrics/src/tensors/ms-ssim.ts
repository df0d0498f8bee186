import * as tf from '@tensorflow/tfjs-core';
import { checkScales, resolveMultiscale, type MultiscaleOptions } from '../images/multiscale-structural-similarity.ts';
import type { SsimSetting } from '../images/ssim-options.ts';
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
  const setting = resolveMultiscale(options);
  const { ssim, contrast, weights, halving, joint } = setting;
  checkBatches(a, b, options);
  const [images, height, width] = a.shape;
  checkScales({ width, height }, setting);
  // Planes lie half the data range lower than pictures.
  const halve = (planes: tf.Tensor4D) => thinOutPlanes(planes, 2, halving, -options.dataRange / 2);
  return tf.tidy(() => {
    let [x, y] = [a, b].map((batch) => preparedPlanes(batch, options.dataRange, ssim)) as [tf.Tensor4D, tf.Tensor4D];
    let product: tf.Tensor = tf.ones([joint ? images : x.shape[0]]);
    for (const [scale, weight] of weights.entries()) {
      const coarsest = scale === weights.length - 1;
      const found = similarityOfPlanes(x, y, options.dataRange, ssim);
      const terms = coarsest ? meanOfMaps(found.map, ssim, ssim) : meanOfMaps(found.contrast, ssim, contrast);
      const term = tf.maximum(joint ? meanOfChannels(terms, images) : terms, smallest);
      product = tf.mul(product, tf.pow(term, weight));
      if (!coarsest) [x, y] = [halve(x), halve(y)];
    }
    return meanOfChannels(product, images);
  });
}

/** Mean of each plane's map, which was made with one setting, over the windows that another one wants. */
function meanOfMaps(map: tf.Tensor4D, made: SsimSetting, wanted: SsimSetting): tf.Tensor {
  if (made.border === wanted.border) return tf.mean(map, [1, 2, 3]);
  const [planes, height, width] = map.shape;
  const [top, left] = [made.rows.length >> 1, made.columns.length >> 1];
  return tf.mean(tf.slice(map, [0, top, left, 0], [planes, height - 2 * top, width - 2 * left, 1]), [1, 2, 3]);
}
