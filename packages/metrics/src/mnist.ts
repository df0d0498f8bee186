import * as tf from '@tensorflow/tfjs-core';
import { loadWeights, type Source, type StateDict } from '@missing-u/weights';
import type { FeatureExtractor } from './distributions/feature-extractor.ts';
import { refuse } from './errors.ts';
import { Parameters, type Convolution } from './networks/parameters.ts';

export { MnistConfidence, type Confidence } from './mnist-confidence.ts';

/** The weights that come with this package. The entry lies as deep in `src/` as in `dist/`. */
const shipped = new URL('../weights/mnist-classifier.safetensors', import.meta.url);

/**
 * A small classifier of MNIST's digits, trained by `training/mnist-classifier.mjs` to 99 % of the test set. Its 64 features
 * measure digits where ImageNet's say little; distances on them are called `fid-mnist` and the like, and compare with
 * nothing but themselves.
 */
export class MnistClassifier {
  readonly #parameters: Parameters;
  readonly #convolutions: readonly Convolution[];
  readonly #dense: readonly { readonly weight: tf.Tensor2D; readonly bias: tf.Tensor1D }[];

  /** @throws MetricError `METRIC_WRONG_WEIGHTS` */
  constructor(weights: StateDict) {
    const parameters = new Parameters(weights, 'the MNIST classifier');
    const dense = (name: string, out: number, inputs: number) => ({
      weight: parameters.linear(name, [out, inputs]),
      bias: parameters.vector(`${name}.bias`, out),
    });
    this.#parameters = parameters;
    this.#convolutions = [
      parameters.convolution('conv1', [16, 1, 3, 3]),
      parameters.convolution('conv2', [32, 16, 3, 3]),
      parameters.convolution('conv3', [64, 32, 3, 3]),
    ];
    // The pictures are flattened by height, width, channels.
    this.#dense = [dense('features', 64, 576), dense('classes', 10, 64)];
    parameters.finish();
  }

  /** With the weights that come with this package, or others of the same shapes. */
  static async load(source: Source = shipped): Promise<MnistClassifier> {
    return new MnistClassifier(await loadWeights(source));
  }

  /**
   * Features [n, 64] of digits.
   *
   * @param images [n, 28, 28, 1], white on black, int32 in 0 .. 255 or float32 in [0, 1]; three channels are averaged.
   */
  features(images: tf.Tensor4D): tf.Tensor2D {
    const [, height, width, channels] = images.shape;
    if (height !== 28 || width !== 28 || (channels !== 1 && channels !== 3)) {
      refuse({ argument: 'images', value: images, allowed: 'digits [n, 28, 28, 1 or 3]' });
    }
    return tf.tidy(() => {
      const unit = images.dtype === 'int32' ? tf.div<tf.Tensor4D>(tf.cast(images, 'float32'), 255) : images;
      let x = channels === 1 ? unit : tf.mean<tf.Tensor4D>(unit, 3, true);
      for (const { filter, bias } of this.#convolutions) {
        x = tf.maxPool(tf.relu(tf.add<tf.Tensor4D>(tf.conv2d(x, filter, 1, 'same'), bias)), 2, 2, 'valid');
      }
      const { weight, bias } = this.#dense[0]!;
      return tf.relu(tf.add<tf.Tensor2D>(tf.matMul(tf.reshape(x, [x.shape[0], 576]), weight), bias));
    });
  }

  /** Logits [n, 10] of the digits 0 to 9, from pictures as `features` takes them. */
  logits(images: tf.Tensor4D): tf.Tensor2D {
    return tf.tidy(() => this.classify(this.features(images)));
  }

  /** Logits [n, 10] from features [n, 64]. */
  classify(features: tf.Tensor2D): tf.Tensor2D {
    const { weight, bias } = this.#dense[1]!;
    return tf.tidy(() => tf.add<tf.Tensor2D>(tf.matMul(features, weight), bias));
  }

  /** As the feature extractor of a metric, whose number is then `fid-mnist`. */
  extractor(): FeatureExtractor {
    return { name: 'mnist', extract: (images) => this.features(images) };
  }

  /** Frees the weights. */
  dispose(): void {
    this.#parameters.dispose();
  }
}
