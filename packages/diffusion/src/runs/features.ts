import { FrechetInceptionDistance, InceptionV3, type FeatureExtractor } from '@missing-u/metrics';
import { MnistClassifier } from '@missing-u/metrics/mnist';
import * as tf from '@tensorflow/tfjs-core';
import type { RunConfig } from './config.ts';
import { openDataset } from './registry.ts';

/** The networks whose features images are compared by. */
export const featureNames = ['mnist', 'inception'] as const;
export type FeatureName = (typeof featureNames)[number];

export type OwnedExtractor = FeatureExtractor & { dispose(): void };

/** The features that fit a data set where nothing else is asked for: of digits by a classifier of digits. */
export function featuresFor({ dataset, size }: RunConfig): FeatureName {
  return dataset === 'mnist' && size === 32 ? 'mnist' : 'inception';
}

/** @param weights file of the weights of `inception`; by default pytorch-fid's, downloaded once */
export async function openExtractor(name: FeatureName, weights?: string): Promise<OwnedExtractor> {
  if (name === 'inception') {
    const network = await InceptionV3.load(weights);
    return { ...network.extractor(2048), dispose: () => network.dispose() };
  }
  const classifier = await MnistClassifier.load();
  return {
    name: 'mnist',
    // Digits are trained on with a border of 2 pixels, which the classifier has never seen.
    extract: (images) => tf.tidy(() => classifier.features(tf.slice(images, [0, 2, 2, 0], [-1, 28, 28, -1]))),
    dispose: () => classifier.dispose(),
  };
}

/** A Fréchet distance to the training images of a run, made anew for each measurement. */
export interface TrainingDistance {
  name: string;
  measure(): FrechetInceptionDistance;
  dispose(): void;
}

interface DistanceOptions {
  features?: FeatureName;
  weights?: string;
  realCount: number;
  batch: number;
}

/** Opens the features that fit a run's data, or others, and sees its training images. */
export async function openDistance(
  config: RunConfig,
  { features = featuresFor(config), weights, ...counts }: DistanceOptions,
): Promise<TrainingDistance> {
  const feature = await openExtractor(features, weights);
  try {
    const reference = await realMoments(config, feature, counts);
    const measure = () => new FrechetInceptionDistance({ feature, reference, warn: () => undefined });
    return { name: measure().name, measure, dispose: () => feature.dispose() };
  } catch (error) {
    feature.dispose();
    throw error;
  }
}

/** Mean and covariance of the features of training images. */
export async function realMoments(
  config: RunConfig,
  extractor: FeatureExtractor,
  { realCount, batch }: { realCount: number; batch: number },
) {
  const dataset = (await openDataset(config)).shuffle(config.seed).take(realCount);
  const distance = new FrechetInceptionDistance({ feature: extractor });
  try {
    for await (const { images } of dataset.batches({ batchSize: batch, range: [0, 1] })) {
      await distance.update(images, { real: true });
      images.dispose();
    }
  } finally {
    await dataset.close();
  }
  return distance.real.compute();
}
