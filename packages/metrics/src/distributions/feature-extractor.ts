import * as tf from '@tensorflow/tfjs-core';
import { MetricError, refuse } from '../errors.ts';
import { toFeatureMatrix, type FeatureMatrix } from '../linalg/feature-matrix.ts';

/**
 * What turns pictures into features. `name` says whose features they are, and ends up in the names of the numbers made from them.
 *
 * `extract` takes [n, height, width, channels], int32 in 0 .. 255 or float32 in [0, 1], and gives [n, features], which the
 * caller disposes; it may take its time, for example in another process.
 */
export interface FeatureExtractor {
  readonly name: string;
  extract(images: tf.Tensor4D): tf.Tensor2D | Promise<tf.Tensor2D>;
}

/** Whether a picture belongs to the real or to the generated ones. */
export interface UpdateOptions {
  readonly real: boolean;
}

/** `real` of an update, which has no default: a wrong guess would be seen by nobody. */
export function isReal(options: UpdateOptions | undefined): boolean {
  const real: unknown = options?.real;
  if (typeof real === 'boolean') return real;
  return refuse({ argument: 'real', value: real, allowed: 'true or false, as `update(images, { real: true })`' });
}

/** Features of a batch of pictures in float64. @throws MetricError for pictures of a wrong shape or range */
export async function extractFeatures(extractor: FeatureExtractor, images: tf.Tensor4D): Promise<FeatureMatrix> {
  await checkPictures(images);
  const features = await extractor.extract(images);
  try {
    if (features.shape.length !== 2 || features.shape[0] !== images.shape[0]) {
      throw new MetricError(
        'METRIC_SHAPE_MISMATCH',
        `The extractor '${extractor.name}' gave [${features.shape.join(', ')}] for ${images.shape[0]} pictures; expected is [images, features].`,
      );
    }
    const data = Float64Array.from(await features.data());
    return toFeatureMatrix(`features of '${extractor.name}'`, {
      data,
      rows: features.shape[0],
      columns: features.shape[1],
    });
  } finally {
    features.dispose();
  }
}

async function checkPictures(images: tf.Tensor4D): Promise<void> {
  if (images?.shape?.length !== 4 || images.size === 0) {
    refuse({
      argument: 'images',
      value: images,
      allowed: 'a tensor [images, height, width, channels] with at least one picture',
    });
  }
  const range = tf.tidy(() => tf.stack([tf.min(images), tf.max(images)]));
  const [low, high] = (await range.data()) as unknown as [number, number];
  range.dispose();
  const top = images.dtype === 'int32' ? 255 : 1;
  if (!Number.isFinite(low + high))
    throw new MetricError('METRIC_NOT_FINITE', 'The pictures have values that are not finite.');
  if (low >= -1e-6 && high <= top + 1e-6) return;
  const remedy =
    low < 0 ? 'pictures in [-1, 1] become [0, 1] by (x + 1) / 2' : 'cast bytes to int32, or divide them by 255';
  throw new MetricError(
    'METRIC_OUT_OF_RANGE',
    `The pictures have values from ${low} to ${high}, but ${images.dtype} pictures lie in [0, ${top}]; ${remedy}.`,
  );
}
