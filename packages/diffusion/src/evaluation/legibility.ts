import { type MnistClassifier, MnistConfidence } from '@missing-u/metrics/mnist';
import * as tf from '@tensorflow/tfjs-core';
import type { GenerativeMetric } from './evaluate.ts';

/** The share of sampled digits, [n, 32, 32, 1] with a border of 2 pixels, that the classifier is sure of: larger is better. */
export class Legibility implements GenerativeMetric {
  readonly #confidence: MnistConfidence;

  /** The classifier stays the caller's. */
  constructor(classifier: MnistClassifier) {
    this.#confidence = new MnistConfidence(classifier);
  }

  async update(images: tf.Tensor4D): Promise<void> {
    // The classifier has never seen the border.
    const digits = tf.slice(images, [0, 2, 2, 0], [-1, 28, 28, -1]);
    try {
      await this.#confidence.update(digits);
    } finally {
      digits.dispose();
    }
  }

  compute(): number {
    return this.#confidence.compute().share;
  }
}
