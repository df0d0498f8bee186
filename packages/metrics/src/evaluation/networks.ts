import * as tf from '@tensorflow/tfjs-core';
import type { Source } from '@missing-u/weights';
import { MnistClassifier } from '../mnist.ts';
import { InceptionV3 } from '../networks/inception.ts';
import type { ResizeMode } from '../networks/resize.ts';

/** Of a batch of pictures: features for the distances, spatial ones for sFID where there are any, logits for the score. */
export type NetworkOutputs = { features: tf.Tensor2D; logits: tf.Tensor2D; spatial?: tf.Tensor2D };

/** A network for an evaluation: features for the distances, logits for the inception score, from one pass. */
export interface EvaluationNetwork {
  /** Put behind the names of the numbers; empty for the network that defines them. */
  readonly suffix: string;
  run(images: tf.Tensor4D): NetworkOutputs;
  dispose(): void;
}

/** Inception with pytorch-fid's weights, from a file or the published address. */
export async function inceptionNetwork(weights: Source | undefined, mode: ResizeMode): Promise<EvaluationNetwork> {
  const network = await InceptionV3.load(weights, { mode });
  return {
    suffix: network.layout === 'fid' ? '' : `-${network.layout}`,
    run: (images) => {
      const taps = ['spatial', 2048, 'logits_unbiased'] as const;
      const [spatial, features, logits] = network.extract(images, taps, { checkRange: false });
      return { spatial: spatial!, features: features!, logits: logits! };
    },
    dispose: () => network.dispose(),
  };
}

/** The classifier of digits that comes with this package. */
export async function mnistNetwork(): Promise<EvaluationNetwork> {
  const classifier = await MnistClassifier.load();
  return {
    suffix: '-mnist',
    run: (images) => {
      const features = classifier.features(withoutBorder(images));
      return { features, logits: classifier.classify(features) };
    },
    dispose: () => classifier.dispose(),
  };
}

/** Diffusion models often have digits with a border of 2 pixels, 32 x 32, which the classifier has never seen. */
function withoutBorder(images: tf.Tensor4D): tf.Tensor4D {
  const [, height, width] = images.shape;
  return height === 32 && width === 32 ? tf.slice(images, [0, 2, 2, 0], [-1, 28, 28, -1]) : images;
}
