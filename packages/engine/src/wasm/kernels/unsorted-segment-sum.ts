import * as tf from '@tensorflow/tfjs-core';
import { composedKernel } from '../../composed-kernel.ts';

/**
 * Sums of the rows of `x` that carry the same segment id; rows with an id outside of [0, numSegments) count nowhere. It is
 * the gradient of `tf.gather`, so without it no embedding can be trained.
 */
export const unsortedSegmentSum = composedKernel<'x' | 'segmentIds', { numSegments: number }>(
  'wasm',
  'UnsortedSegmentSum',
  ({ x, segmentIds }, { numSegments }) => {
    const rowShape = x.shape.slice(segmentIds.rank);
    const rows = segmentIds.size;
    const columns = rowShape.reduce((product, size) => product * size, 1);
    const ids = tf.reshape(segmentIds, [rows]);
    const known = tf.logicalAnd(tf.greaterEqual(ids, 0), tf.less(ids, numSegments));
    // Ids that are not known go to one row more, which is cut off: the scatter kernel would write out of bounds.
    const targets = tf.where(known, ids, tf.fill([rows], numSegments, 'int32'));
    const sums = tf.scatterND(tf.reshape(targets, [rows, 1]), tf.reshape(x, [rows, columns]), [
      numSegments + 1,
      columns,
    ]);
    return tf.reshape(tf.slice(sums, [0, 0], [numSegments, columns]), [numSegments, ...rowShape]);
  },
);
