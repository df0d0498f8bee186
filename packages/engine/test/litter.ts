import * as tf from '@tensorflow/tfjs-core';

/** Leaves numbers in memory that is free then, so that results which no kernel wrote are wrong. */
export function litter(): void {
  tf.dispose(Array.from({ length: 100 }, (_, i) => tf.fill([2 * i + 1], 1e3)));
}
