import * as tf from '@tensorflow/tfjs-core';
import { MetricError, refuse } from '../errors.ts';
import { checkDataRange, checkExtremes, type RangeOptions } from '../images/image.ts';

/**
 * Two batches of pictures [images, height, width, channels] of one shape. Values are looked at only where `checkRange` is not
 * false; the look reads two numbers back, so training loops say false.
 */
export function checkBatches(a: tf.Tensor4D, b: tf.Tensor4D, options: RangeOptions): void {
  checkDataRange(options?.dataRange);
  checkShapes(a, b);
  if (options.checkRange === false) return;
  for (const [name, batch] of Object.entries({ a, b })) {
    const [low, high] = tf.tidy(() => [tf.min(batch).dataSync()[0]!, tf.max(batch).dataSync()[0]!]);
    if (!Number.isFinite(low + high)) {
      throw new MetricError(
        'METRIC_NOT_FINITE',
        `\`${name}\` has values that are not finite; no score of it would mean anything.`,
      );
    }
    checkExtremes(name, low, high, options.dataRange);
  }
}

/** Rank 4, at least one picture, and equal shapes. */
export function checkShapes(a: tf.Tensor4D, b: tf.Tensor4D): void {
  for (const [argument, value] of Object.entries({ a, b })) {
    if (value?.shape?.length !== 4 || value.size === 0) {
      refuse({ argument, value, allowed: 'a tensor [images, height, width, channels] with at least one picture' });
    }
  }
  if (a.shape.every((size, axis) => size === b.shape[axis])) return;
  throw new MetricError(
    'METRIC_SHAPE_MISMATCH',
    `\`a\` has the shape [${a.shape.join(', ')}] and \`b\` [${b.shape.join(', ')}]; pictures are compared pixel by pixel.`,
  );
}

/** Refuses values outside the range that a network was told; the look reads numbers back. */
export function checkValues(
  batches: Readonly<Record<string, tf.Tensor4D>>,
  [bottom, top]: readonly [number, number],
  metric: string,
  remedy = '',
): void {
  for (const [name, batch] of Object.entries(batches)) {
    const [low, high] = tf.tidy(() => [tf.min(batch).dataSync()[0]!, tf.max(batch).dataSync()[0]!]);
    if (!Number.isFinite(low + high))
      throw new MetricError('METRIC_NOT_FINITE', `\`${name}\` has values that are not finite.`);
    if (low >= bottom - 1e-4 && high <= top + 1e-4) continue;
    throw new MetricError(
      'METRIC_OUT_OF_RANGE',
      `\`${name}\` has values from ${low} to ${high}, but ${metric} was told that they lie in [${bottom}, ${top}]; scale the pictures${remedy}.`,
    );
  }
}

/** Channels as separate pictures: [images, height, width, channels] to [images * channels, height, width, 1]. */
export function toPlanes(batch: tf.Tensor4D): tf.Tensor4D {
  const [images, height, width, channels] = batch.shape;
  const planes = channels === 1 ? batch : tf.transpose(batch, [0, 3, 1, 2]);
  return tf.reshape(planes, [images * channels, height, width, 1]);
}

/** Means over the channels of [images * channels] numbers. */
export function meanOfChannels(values: tf.Tensor, images: number): tf.Tensor1D {
  return tf.mean(tf.reshape(values, [images, values.size / images]), 1);
}

/** A linear map of the rows and of the columns of planes [n, height, width, 1]: [h, height] and [w, width] matrices. */
export function mapSeparably(planes: tf.Tensor4D, rows: tf.Tensor2D, columns: tf.Tensor2D): tf.Tensor4D {
  const [n, height, width] = planes.shape;
  const [h, w] = [rows.shape[0], columns.shape[0]];
  const across = tf.matMul(tf.reshape(planes, [n * height, width]), columns, false, true);
  const turned = tf.reshape(tf.transpose(tf.reshape(across, [n, height, w]), [0, 2, 1]), [n * w, height]);
  const down = tf.reshape(tf.matMul(turned, rows, false, true), [n, w, h]);
  return tf.reshape(tf.transpose(down, [0, 2, 1]), [n, h, w, 1]);
}
