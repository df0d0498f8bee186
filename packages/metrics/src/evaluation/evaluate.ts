import * as tf from '@tensorflow/tfjs-core';
import { unknownName } from '@missing-u/errors';
import { FeatureList } from '../distributions/feature-list.ts';
import { warnOfRank } from '../distributions/frechet-inception-distance.ts';
import { frechetDistanceInWorker, momentsOf } from '../distributions/frechet-distance.ts';
import { inceptionScore } from '../distributions/inception-score.ts';
import { kernelInceptionDistance } from '../distributions/kernel-inception-distance.ts';
import { loadMoments } from '../distributions/moments.ts';
import { numpyRandomState } from '../distributions/numpy-random-state.ts';
import { precisionRecall } from '../distributions/precision-recall.ts';
import { MetricError, refuse } from '../errors.ts';
import { readFolder, type FolderOptions } from './image-folder.ts';
import type { EvaluationNetwork } from './networks.ts';

/** What can be asked for; `prdc` is precision, recall, density and coverage. */
export const evaluationMetrics = ['fid', 'kid', 'is', 'prdc'] as const;
export type EvaluationMetric = (typeof evaluationMetrics)[number];

export interface EvaluationOptions extends FolderOptions {
  /** A folder of pictures, or for `fid` alone an `.npz` of statistics. */
  readonly real: string;
  /** A folder of generated pictures. */
  readonly fake: string;
  readonly network: EvaluationNetwork;
  /** Default all. */
  readonly metrics?: readonly EvaluationMetric[];
  /** Seed of KID's subsets and of the inception score's shuffle (default 2020, as torch-fidelity). */
  readonly seed?: number;
  readonly warn?: (message: string) => void;
}

/** The numbers under torch-fidelity's keys; with another network than FID's, its name stands behind them. */
export type Evaluation = Readonly<Record<string, number>>;

/**
 * Compares two folders of pictures. The pictures pass the network once, batch by batch; their features are kept.
 *
 * @throws MetricError `METRIC_NO_IMAGES`, `METRIC_BAD_IMAGE` where `strict`, `METRIC_TOO_FEW`, `METRIC_BAD_ARGUMENT`
 */
export async function evaluate(options: EvaluationOptions): Promise<Evaluation> {
  const { real, fake, network, metrics = evaluationMetrics, seed = 2020, warn = console.warn } = options;
  for (const metric of metrics) {
    if (!evaluationMetrics.includes(metric)) {
      throw new MetricError('METRIC_BAD_ARGUMENT', unknownName('metrics', metric, evaluationMetrics));
    }
  }
  const stored = real.endsWith('.npz');
  const needsReal = metrics.filter((metric) => metric === 'kid' || metric === 'prdc');
  if (stored && needsReal.length > 0) {
    refuse({
      argument: 'real',
      value: real,
      allowed: `a folder for ${needsReal.join(' and ')}, because a file of statistics has no single features`,
    });
  }
  const generated = await featuresOf(fake, options);
  const truth =
    stored || (needsReal.length === 0 && !metrics.includes('fid')) ? undefined : await featuresOf(real, options);

  const result: Record<string, number> = {};
  const put = (key: string, value: number) => (result[`${key}${network.suffix}`] = value);
  if (metrics.includes('is')) {
    const splits = Math.min(10, generated.features.count);
    if (splits < 10)
      warn(
        `${generated.features.count} images make ${splits} splits of the inception score, not 10: it does not compare with others.`,
      );
    const { mean, std } = inceptionScore(generated.logits.compute(), { splits, generator: numpyRandomState(seed) });
    put('inception_score_mean', mean);
    put('inception_score_std', std);
  }
  if (metrics.includes('fid')) {
    const [a, b] = [
      truth === undefined ? await loadMoments(real) : momentsOf(truth.features.compute()),
      momentsOf(generated.features.compute()),
    ];
    warnOfRank(a, 'real', warn);
    warnOfRank(b, 'generated', warn);
    put('frechet_inception_distance', await frechetDistanceInWorker(a.mu, a.sigma, b.mu, b.sigma));
  }
  if (metrics.includes('kid')) {
    const { mean, std } = kernelInceptionDistance(truth!.features.compute(), generated.features.compute(), {
      generator: numpyRandomState(seed),
    });
    put('kernel_inception_distance_mean', mean);
    put('kernel_inception_distance_std', std);
  }
  if (metrics.includes('prdc')) {
    const { precision, recall, fScore, density, coverage } = precisionRecall(
      generated.features.compute(),
      truth!.features.compute(),
    );
    for (const [key, value] of Object.entries({ precision, recall, f_score: fScore, density, coverage }))
      put(key, value);
  }
  return result;
}

/** Features and logits of all pictures of a folder. */
async function featuresOf(
  folder: string,
  options: EvaluationOptions,
): Promise<{ features: FeatureList; logits: FeatureList }> {
  const [features, logits] = [new FeatureList(), new FeatureList()];
  for await (const { data, files, height, width } of readFolder(folder, options)) {
    const found = tf.tidy(() => options.network.run(tf.tensor4d(data, [files.length, height, width, 3], 'int32')));
    try {
      for (const [list, tensor] of [
        [features, found.features],
        [logits, found.logits],
      ] as const) {
        list.update({ data: Float64Array.from(await tensor.data()), rows: tensor.shape[0], columns: tensor.shape[1] });
      }
    } finally {
      tf.dispose(found);
    }
  }
  return { features, logits };
}
