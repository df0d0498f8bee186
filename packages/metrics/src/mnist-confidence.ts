import * as tf from '@tensorflow/tfjs-core';
import { MetricError } from './errors.ts';
import type { MnistClassifier } from './mnist.ts';

/** How many digits a classifier is sure of. */
export interface Confidence {
  images: number;
  /** Share of the images whose most probable class has a probability above 0.9. */
  share: number;
  /** How many of these show each digit, 0 to 9. */
  counts: number[];
}

/**
 * The share of sampled digits that a classifier is sure of, and which digits they are: a plain reading of whether samples are
 * legible and none of the ten digits is missing. It says nothing of their variety within a digit; `fid-mnist` does.
 */
export class MnistConfidence {
  readonly #classifier: Pick<MnistClassifier, 'logits'>;
  readonly #threshold: number;
  readonly #counts = Array<number>(10).fill(0);
  #images = 0;

  constructor(classifier: Pick<MnistClassifier, 'logits'>, { threshold = 0.9 }: { threshold?: number } = {}) {
    this.#classifier = classifier;
    this.#threshold = threshold;
  }

  /** @param images [n, 28, 28, 1], as `MnistClassifier` takes them. */
  async update(images: tf.Tensor4D): Promise<void> {
    const probabilities = tf.tidy(() => tf.softmax(this.#classifier.logits(images)));
    const rows = await probabilities.array();
    probabilities.dispose();
    for (const row of rows) {
      const highest = Math.max(...row);
      if (highest > this.#threshold) this.#counts[row.indexOf(highest)]! += 1;
    }
    this.#images += rows.length;
  }

  /** @throws MetricError `METRIC_TOO_FEW` before the first image */
  compute(): Confidence {
    if (this.#images === 0) throw new MetricError('METRIC_TOO_FEW', 'There are no images yet; call update() first.');
    const sure = this.#counts.reduce((sum, count) => sum + count, 0);
    return { images: this.#images, share: sure / this.#images, counts: [...this.#counts] };
  }
}
